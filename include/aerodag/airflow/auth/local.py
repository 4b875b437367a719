"""The three roles with Airflow's simple auth manager, whose users and passwords stand in a setting and a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager, SimpleAuthManagerRole

from aerodag.airflow.defaults import PROCESS_DAG_ID

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.base_auth_manager import ResourceMethod
    from airflow.api_fastapi.auth.managers.models.resource_details import (
        ConnectionDetails,
        DagDetails,
        VariableDetails,
    )
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser


class LocalAuthManager(SimpleAuthManager):
    """Airflow's ``user`` is the uploader and its ``op`` the operator; ``viewer`` and ``admin`` are what they were.

    Airflow itself lets a ``user`` stop and clear everybody's runs, and shows connections to an ``op``.
    """

    def is_authorized_dag(
        self,
        *,
        method: ResourceMethod,
        user: SimpleAuthManagerUser,
        access_entity: DagAccessEntity | None = None,
        details: DagDetails | None = None,
    ) -> bool:
        """Whether a user may do this to a DAG or something of it."""
        if _is(user, SimpleAuthManagerRole.USER) and method != "GET":
            asked = details.id if details is not None else None
            return method == "POST" and access_entity is DagAccessEntity.RUN and asked == PROCESS_DAG_ID
        return super().is_authorized_dag(method=method, user=user, access_entity=access_entity, details=details)

    def is_authorized_connection(
        self, *, method: ResourceMethod, user: SimpleAuthManagerUser, details: ConnectionDetails | None = None
    ) -> bool:
        """Whether a user may see or change connections, which hold secrets."""
        return _is(user, SimpleAuthManagerRole.ADMIN)

    def is_authorized_variable(
        self, *, method: ResourceMethod, user: SimpleAuthManagerUser, details: VariableDetails | None = None
    ) -> bool:
        """Whether a user may see or change variables, which may hold secrets."""
        return _is(user, SimpleAuthManagerRole.ADMIN)


def _is(user: SimpleAuthManagerUser, role: SimpleAuthManagerRole) -> bool:
    return str(user.role).upper() == str(role.name)
