"""The roles ``Uploader`` and ``Operator`` in the database of Flask-AppBuilder, which brings its ``Admin`` itself.

Run as ``python -m aerodag.airflow.auth.roles``; safe to run again, and brings changed roles back to what stands here.
"""

from __future__ import annotations

from typing import Any

from aerodag.airflow.defaults import PROCESS_DAG_ID

UPLOADER, OPERATOR = "Uploader", "Operator"

Permission = tuple[str, str]

# Secrets, or who may do what.
_KEPT_FROM_OPERATORS = {"Connections", "Variables", "Configurations"}
_ACCOUNT = ("My Password", "My Profile")


def permissions_of_uploader() -> set[Permission]:
    """See runs and tasks of ``process_dataset`` and the Datasets page, start runs, change one's own password."""
    see = {
        f"DAG:{PROCESS_DAG_ID}", "DAG Runs", "DAG Versions", "DAG Warnings", "HITL Detail", "Plugins",
        "Task Instances", "Task Logs", "Website", "XComs", *_ACCOUNT,
    }  # fmt: skip
    return {
        *(("can_read", name) for name in see),
        *(("can_edit", name) for name in _ACCOUNT),
        ("can_create", f"DAG Run:{PROCESS_DAG_ID}"),
        ("menu_access", "DAGs"),
    }


def permissions_of_operator() -> set[Permission]:
    """What Airflow's role Op may do, without what holds secrets."""
    from airflow.providers.fab.auth_manager.security_manager.override import FabAirflowSecurityManagerOverride

    configured = {role["role"]: role["perms"] for role in FabAirflowSecurityManagerOverride.ROLE_CONFIGS}
    return {(action, name) for action, name in configured["Op"] if name not in _KEPT_FROM_OPERATORS}


def make_roles() -> None:
    """Make both roles, and take from them what does not stand here."""
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    wanted = {UPLOADER: permissions_of_uploader(), OPERATOR: permissions_of_operator()}
    with get_application_builder() as builder:
        manager: Any = builder.sm
        manager.bulk_sync_roles([{"role": role, "perms": sorted(perms)} for role, perms in wanted.items()])
        for role, perms in wanted.items():
            found = manager.find_role(role)
            for permission in list(found.permissions):
                if (permission.action.name, permission.resource.name) not in perms:
                    manager.remove_permission_from_role(found, permission)


if __name__ == "__main__":
    make_roles()
