"""Who asks, and what they may do: Airflow's logins and its permissions on runs of ``process_dataset`` decide."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.models.dag import DagModel
from fastapi import Depends, HTTPException, Request

from aerodag.airflow.defaults import PROCESS_DAG_ID
from aerodag.errors import sentence
from aerodag.ledger.browse import Viewer

_BEARER = "bearer "


def may(user: BaseUser, method: Literal["GET", "POST", "PUT"]) -> bool:
    """Whether Airflow lets a user see (GET), start (POST) or change (PUT) runs of ``process_dataset``."""
    details = DagDetails(id=PROCESS_DAG_ID, team_name=DagModel.get_team_name(PROCESS_DAG_ID))
    return get_auth_manager().is_authorized_dag(
        method=method, access_entity=DagAccessEntity.RUN, details=details, user=user
    )


def viewer(user: GetUserDep) -> Viewer:
    """Who asks; a stranger gets 401, who may not even see runs 403."""
    if not may(user, "GET"):
        raise HTTPException(403, "Your login may not see runs of process_dataset; ask an administrator of Airflow.")
    return Viewer(str(user.get_name()), may(user, "PUT"))


def uploader(user: GetUserDep, who: ViewerDep) -> Viewer:
    """Who asks, where they may upload: whoever may start runs."""
    if not may(user, "POST"):
        raise HTTPException(403, "Your login may not start runs of process_dataset; ask an administrator of Airflow.")
    return who


def same_origin(request: Request) -> None:
    """Refuse what another site makes a browser send with our cookie; a bearer token is sent by no browser itself."""
    if request.headers.get("authorization", "").lower().startswith(_BEARER):
        return
    fetched_from = request.headers.get("sec-fetch-site")
    if fetched_from is None:
        origin = request.headers.get("origin", "")
        own = urlsplit(origin).netloc == request.headers.get("host", "") != ""
    else:
        own = fetched_from == "same-origin"
    if not own:
        message = "This request came from another site, so the login of your browser does not count for it."
        raise HTTPException(
            403, sentence("web.cross_site", message, "Use the page of this Airflow, or send a bearer token.")
        )


ViewerDep = Annotated[Viewer, Depends(viewer)]
UploaderDep = Annotated[Viewer, Depends(uploader)]
