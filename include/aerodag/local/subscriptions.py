"""Who is told of what, as the command line changes and shows it."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from rich.table import Table
from rich.text import Text

from aerodag import ledger, notify
from aerodag.errors import ConfigError
from aerodag.pipeline.notifying import send_test
from aerodag.settings import Settings


def subscribe(conn: psycopg.Connection, address: str, events: Sequence[str], owner: str | None) -> ledger.Subscription:
    """Tell an e-mail address or a webhook's URL of these events, of all datasets or of one owner's.

    Raises:
        ConfigError: ``notify.address``, ``notify.event_unknown``.
    """
    recipient = notify.recipient_of(address)
    ledger.subscribe(
        conn,
        channel=recipient.channel,
        address=recipient.address,
        events=notify.checked_events(events or notify.USUAL_EVENTS),
        owner=owner,
        secret=recipient.secret,
    )
    return next(one for one in _of(conn, address) if one.owner == owner)


def unsubscribe(conn: psycopg.Connection, address: str) -> None:
    """Tell an address nothing more.

    Raises:
        ConfigError: ``notify.address``, ``notify.not_subscribed``.
    """
    for one in {one.address for one in _of(conn, address)}:
        ledger.unsubscribe(conn, address=one)


def test(conn: psycopg.Connection, settings: Settings, address: str) -> None:
    """Send a test message to a subscriber, now.

    Raises:
        AerodagError: It is not subscribed, or it was not taken; the sentence says why.
    """
    send_test(_of(conn, address)[0], settings)


def overview(conn: psycopg.Connection) -> Table:
    """The subscriptions, and what became of their notifications; no secrets."""
    table = Table("address", "of", "events", "waiting", "sent", "failed", "last error")
    for one in ledger.list_subscriptions(conn):
        counts = [str(count) for count in (one.waiting, one.sent, one.failed)]
        cells = [one.address, one.owner or "all", " ".join(one.events), *counts, one.last_error or ""]
        table.add_row(*(Text(cell, overflow="fold") for cell in cells))
    return table


def _of(conn: psycopg.Connection, address: str) -> list[ledger.Subscription]:
    wanted = notify.recipient_of(address).address
    found = [one for one in ledger.list_subscriptions(conn) if one.address == wanted]
    if not found:
        raise ConfigError(
            "notify.not_subscribed", f"{address} is not subscribed.", advice="See `aerodag notify list` for who is."
        )
    return found
