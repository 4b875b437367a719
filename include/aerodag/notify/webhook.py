"""Messages to webhooks, signed as Standard Webhooks 1.0 has it (https://www.standardwebhooks.com)."""

from __future__ import annotations

import asyncio
import base64
import hmac
import ssl
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final

from aerodag.errors import AerodagError, ConfigError, InfrastructureError
from aerodag.notify.addresses import Recipient, is_web_address
from aerodag.notify.message import Message
from aerodag.settings import Webhooks

# Answers that mean "later": request timeout and too many requests.
PASSING: Final = frozenset({408, 429})
EXCERPT_BYTES: Final = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said; ``excerpt`` is the beginning of its body."""

    status: int
    excerpt: str


def send_webhook(message: Message, recipient: Recipient, settings: Webhooks, now: datetime) -> None:
    """Post a message; it has the same ``webhook-id`` each time. Redirects are not followed.

    Raises:
        ConfigError: ``notify.webhook_refused``: a repeat cannot help.
        InfrastructureError: ``notify.webhook_unreachable``, ``notify.webhook_failed``.
    """
    import httpx

    if not is_web_address(recipient.address):
        raise _refused("The webhook's address is no http or https URL.")
    body = message.to_json()
    try:
        headers = signed_headers(message, recipient, body, now)
        answer = asyncio.run(_post(recipient.address, body.encode(), headers, settings.seconds))
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError) as error:
        raise _refused(f"The webhook cannot be called: {error}") from error
    except TimeoutError as error:
        raise _unreachable(f"no answer within {settings.seconds:g} s") from error
    except httpx.TransportError as error:
        raise _unreachable(str(error) or type(error).__name__) from error
    if not 200 <= answer.status < 300:
        raise _judged(answer)


def signed_headers(message: Message, recipient: Recipient, body: str, now: datetime) -> dict[str, str]:
    """The headers by which the recipient knows sender, time and repeats.

    Raises:
        ValueError: The secret is none.
    """
    key = base64.b64decode((recipient.secret or "").removeprefix("whsec_"), validate=True)
    if not key:
        raise ValueError("it has no secret")
    identity, time = f"msg_{message.id}", int(now.timestamp())
    signature = base64.b64encode(hmac.digest(key, f"{identity}.{time}.{body}".encode(), "sha256")).decode()
    return {
        "content-type": "application/json",
        "user-agent": "aerodag",
        "webhook-id": identity,
        "webhook-timestamp": str(time),
        "webhook-signature": f"v1,{signature}",
    }


async def _post(url: str, body: bytes, headers: dict[str, str], seconds: float) -> Answer:
    import httpx

    async with (
        httpx.AsyncClient(verify=_trusted(), timeout=seconds, follow_redirects=False) as client,
        # httpx limits each read; a server that sends a byte now and then would hold us for ever.
        asyncio.timeout(seconds),
        client.stream("POST", url, content=body, headers=headers) as response,
    ):
        start = b""
        if not response.is_success:
            async for piece in response.aiter_raw():
                start += piece
                if len(start) >= EXCERPT_BYTES:
                    break
        return Answer(response.status_code, " ".join(start[:EXCERPT_BYTES].decode("utf-8", "replace").split()))


@cache
def _trusted() -> ssl.SSLContext:
    """Made once: reading the certificates takes longer than most calls."""
    import httpx

    return httpx.create_ssl_context()


def _judged(answer: Answer) -> AerodagError:
    words = f"The webhook answered {answer.status}{': ' if answer.excerpt else ''}{answer.excerpt}"
    if 300 <= answer.status < 500 and answer.status not in PASSING:
        return _refused(words)
    return InfrastructureError(
        "notify.webhook_failed", words, advice="It is tried again; the server's own log says more."
    )


def _refused(words: str) -> ConfigError:
    return ConfigError(
        "notify.webhook_refused", words, advice="Subscribe the address that takes it; redirects are not followed."
    )


def _unreachable(words: str) -> InfrastructureError:
    return InfrastructureError(
        "notify.webhook_unreachable", f"The webhook does not answer: {words}", advice="See that its server runs."
    )
