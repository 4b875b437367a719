"""Notifications: e-mail and signed webhooks, sent from the outbox."""

from aerodag.notify.addresses import Recipient, recipient_of
from aerodag.notify.delivery import send
from aerodag.notify.events import TEST_EVENT, TITLES, USUAL_EVENTS, checked_events
from aerodag.notify.message import Message

__all__ = ["TEST_EVENT", "TITLES", "USUAL_EVENTS", "Message", "Recipient", "checked_events", "recipient_of", "send"]
