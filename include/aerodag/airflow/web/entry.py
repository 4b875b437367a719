"""The API as Airflow mounts it: loaded at its first request, since every Airflow process loads the plugin."""

from __future__ import annotations

from typing import Any


async def api(scope: Any, receive: Any, send: Any) -> None:
    """The application, by the ASGI protocol."""
    from aerodag.airflow.web.app import app

    await app(scope, receive, send)
