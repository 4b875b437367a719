"""Which ledger a command works on."""

from __future__ import annotations

from aerodag.errors import ConfigError
from aerodag.settings import Settings


def database_url(settings: Settings) -> str:
    """The ledger that the settings name, else that of the running embedded set-up. Raises ``ConfigError``."""
    from aerodag.local.state import StateFolder

    if settings.database_url:
        return settings.database_url
    serving = StateFolder(settings.home.resolve()).serving()
    if serving is None:
        raise ConfigError(
            "ledger.unknown",
            "No ledger is named and no embedded set-up is running.",
            advice="Set AERODAG_DATABASE_URL, or run `make up`.",
        )
    return serving.ledger_url
