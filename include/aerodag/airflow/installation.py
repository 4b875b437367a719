"""The settings as Airflow's tasks see them: its connections come before the environment."""

from __future__ import annotations

from typing import Any

from aerodag.settings import NodeOdm, Odm, Settings, get_settings

DOCKER_CONN_ID = "aerodag_docker"
NODEODM_CONN_ID = "aerodag_nodeodm"


def installation() -> Settings:
    """The settings of this process with what the connections ``aerodag_docker`` and ``aerodag_nodeodm`` say.

    Docker: host is the daemon's URL (``tcp://gpu-host:2376``, ``ssh://odm@gpu-host``), extra holds ``ca_cert``,
    ``client_cert`` and ``client_key`` as paths. NodeODM: host, port, schema http or https, and the token as password.
    """
    settings = get_settings()
    return settings.model_copy(update={"odm": _docker(settings.odm), "nodeodm": _node(settings.nodeodm)})


def _docker(odm: Odm) -> Odm:
    connection = _connection(DOCKER_CONN_ID)
    if connection is None:
        return odm
    extra = connection.extra_dejson
    certificates = {name: extra[name] for name in ("ca_cert", "client_cert", "client_key") if extra.get(name)}
    return Odm.model_validate(odm.model_dump() | certificates | {"docker_url": _docker_url(connection)})


def _docker_url(connection: Any) -> str:
    host = str(connection.host)
    if "://" in host:
        return host
    user = f"{connection.login}@" if connection.login else ""
    port = f":{connection.port}" if connection.port else ""
    return f"{connection.schema or 'tcp'}://{user}{host}{port}"


def _node(node: NodeOdm) -> NodeOdm:
    connection = _connection(NODEODM_CONN_ID)
    if connection is None:
        return node
    host = str(connection.host)
    port = f":{connection.port}" if connection.port else ""
    url = host if "://" in host else f"{connection.schema or 'http'}://{host}{port}"
    return node.model_copy(update={"url": url, "token": connection.password or node.token})


def _connection(conn_id: str) -> Any | None:
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return Connection.get(conn_id)
    except AirflowNotFoundException:
        return None
