"""One way to send, whatever the channel."""

from __future__ import annotations

from datetime import datetime

from aerodag.notify.addresses import EMAIL, Recipient
from aerodag.notify.mail import send_mail
from aerodag.notify.message import Message
from aerodag.notify.webhook import send_webhook
from aerodag.settings import Mail, Webhooks


def send(message: Message, recipient: Recipient, mail: Mail, webhooks: Webhooks, now: datetime) -> None:
    """Send a message; returns when the recipient's server has taken it.

    Raises:
        ConfigError: A repeat cannot help.
        InfrastructureError: A repeat may help.
    """
    if recipient.channel == EMAIL:
        send_mail(message, recipient, mail, now)
    else:
        send_webhook(message, recipient, webhooks, now)
