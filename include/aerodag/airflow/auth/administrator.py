"""The first person who may log in, where Airflow's auth manager keeps users of its own (FAB)."""

from __future__ import annotations

ROLE = "Admin"


def make_administrator(name: str, password: str) -> bool:
    """Make the user ``name``, who may do everything; False where there is one, whose password stays what it is."""
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    with get_application_builder() as builder:
        people = builder.sm
        if people.find_user(username=name):
            return False
        people.add_user(name, name, "Aerodag", f"{name}@localhost", people.find_role(ROLE), password)
    return True
