"""Figures over all datasets, and who is logged in."""

from __future__ import annotations

from dataclasses import asdict

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter

from aerodag.airflow.web.access import ViewerDep, may
from aerodag.airflow.web.models.maps import Person, StatisticsItem
from aerodag.airflow.web.stores import Ledger
from aerodag.ledger import browse

router = APIRouter(tags=["overview"])


@router.get("/me", summary="Who is logged in")
def get_me(who: ViewerDep, user: GetUserDep) -> Person:
    """The login that asks, and what it may do."""
    return Person(name=who.name, may_edit=who.may_edit, may_upload=may(user, "POST"))


@router.get("/statistics", summary="Figures over all datasets")
def get_statistics(who: ViewerDep, conn: Ledger) -> StatisticsItem:
    """How many datasets the login sees, how they fare, and how many come and go."""
    return StatisticsItem.model_validate(asdict(browse.statistics(conn, who)))
