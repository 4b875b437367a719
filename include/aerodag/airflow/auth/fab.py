"""The three roles with the auth manager of Flask-AppBuilder: users in the database, LDAP, OAuth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.providers.fab.auth_manager import fab_auth_manager
from airflow.providers.fab.www.security.permissions import RESOURCE_DAG_RUN, resource_name

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.base_auth_manager import ResourceMethod
    from airflow.api_fastapi.auth.managers.models.resource_details import DagDetails
    from airflow.providers.fab.auth_manager.models import User


class FabAuthManager(fab_auth_manager.FabAuthManager):
    """Who may create runs of a DAG may start it: the provider asks for the right to edit it too, which pauses it."""

    def is_authorized_dag(
        self,
        *,
        method: ResourceMethod,
        user: User,
        access_entity: DagAccessEntity | None = None,
        details: DagDetails | None = None,
    ) -> bool:
        """Whether a user may do this to a DAG or something of it."""
        if method == "POST" and access_entity is DagAccessEntity.RUN and details is not None and details.id:
            resources = (RESOURCE_DAG_RUN, resource_name(details.id, RESOURCE_DAG_RUN))
            creates = any(
                self.is_authorized_custom_view(method="POST", resource_name=name, user=user) for name in resources
            )
            return creates and super().is_authorized_dag(method="GET", user=user, details=details)
        return super().is_authorized_dag(method=method, user=user, access_entity=access_entity, details=details)
