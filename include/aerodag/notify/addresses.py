"""Addresses of recipients, and the keys that sign what goes to webhooks."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from typing import Final
from urllib.parse import urlsplit

from aerodag.errors import ConfigError

EMAIL: Final = "email"
WEBHOOK: Final = "webhook"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where a message goes; ``secret`` (``whsec_`` and base64) signs what a webhook gets."""

    channel: str
    address: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)


def recipient_of(address: str) -> Recipient:
    """The recipient that an address or a URL names; a webhook's gets a new secret.

    Raises:
        ConfigError: ``notify.address``, when it is neither.
    """
    address = address.strip()
    if "://" in address:
        if not is_web_address(address):
            raise _neither(address, "Webhooks take http and https, with a host.")
        return Recipient(WEBHOOK, address, new_secret())
    try:
        mail = Address(addr_spec=address)
    except (ValueError, IndexError, MessageError) as error:
        raise _neither(address, "Give an e-mail address like anna@example.org, or a URL.") from error
    if not mail.username or not mail.domain:
        raise _neither(address, "Give an e-mail address like anna@example.org, or a URL.")
    return Recipient(EMAIL, Address(username=mail.username, domain=mail.domain.lower()).addr_spec)


def is_web_address(address: str) -> bool:
    """Whether it is a URL that a webhook can have."""
    try:
        parts = urlsplit(address)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def new_secret() -> str:
    """A key of 32 random bytes, as Standard Webhooks writes them."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _neither(address: str, advice: str) -> ConfigError:
    return ConfigError("notify.address", f"{address!r} is no address that can be notified.", advice=advice)
