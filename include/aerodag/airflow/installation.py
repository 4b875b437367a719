"""The settings as Airflow's tasks see them: its connections come before the environment."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from aerodag.settings import NodeOdm, Odm, S3Account, Settings, SftpServer, get_settings
from aerodag.storage.remote.opening import server_names

DOCKER_CONN_ID = "aerodag_docker"
NODEODM_CONN_ID = "aerodag_nodeodm"
Server = TypeVar("Server")


def installation() -> Settings:
    """The settings of this process with what Airflow's connections say.

    They are ``aerodag_docker``, ``aerodag_nodeodm``, and one of the name of each storage server or account.
    Docker: host is the daemon's URL (``tcp://gpu-host:2376``, ``ssh://odm@gpu-host``), extra holds ``ca_cert``,
    ``client_cert`` and ``client_key`` as paths. NodeODM: host, port, schema http or https, and the token as password.
    """
    settings = get_settings()
    names = server_names(settings)
    return settings.model_copy(
        update={
            "odm": _docker(settings.odm),
            "nodeodm": _node(settings.nodeodm),
            "sftp": settings.sftp | _servers(names["sftp"], _sftp),
            "s3": settings.s3 | _servers(names["s3"], _s3),
        }
    )


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


def _servers(names: Iterable[str], read: Callable[[Any], Server]) -> dict[str, Server]:
    found = {name: _connection(name) for name in names}
    return {name: read(connection) for name, connection in found.items() if connection is not None}


def _sftp(connection: Any) -> SftpServer:
    """An ssh or sftp connection, with the field names of Airflow's SSHHook in its extra."""
    extra = connection.extra_dejson
    given = {
        "host": connection.host,
        "port": connection.port,
        "user": connection.login,
        "password": connection.password,
        "key_file": extra.get("key_file"),
        "private_key": extra.get("private_key"),
        "passphrase": extra.get("private_key_passphrase"),
        "host_key": extra.get("host_key"),
        "keepalive_seconds": extra.get("keepalive_interval"),
        "connect_seconds": extra.get("conn_timeout"),
    }
    return SftpServer.model_validate({name: value for name, value in given.items() if value not in {None, ""}})


def _s3(connection: Any) -> S3Account:
    """An aws connection: login and password are the keys, extra holds ``endpoint_url`` and ``region_name``."""
    extra = connection.extra_dejson
    given = {
        "endpoint_url": extra.get("endpoint_url"),
        "access_key": connection.login,
        "secret_key": connection.password,
        "region": extra.get("region_name"),
        "verify": extra.get("verify"),
    }
    return S3Account.model_validate({name: value for name, value in given.items() if value not in {None, ""}})


def _connection(conn_id: str) -> Any | None:
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return Connection.get(conn_id)
    except AirflowNotFoundException:
        return None
