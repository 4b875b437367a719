"""Messages by e-mail."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from aerodag.errors import AerodagError, ConfigError, InfrastructureError
from aerodag.notify.addresses import Recipient
from aerodag.notify.message import Message
from aerodag.settings import Mail

# Submission inside TLS from the first byte (RFC 8314).
IMPLICIT_TLS_PORT: Final = 465


def send_mail(message: Message, recipient: Recipient, settings: Mail, now: datetime) -> None:
    """Hand a message to the mail server; it has the same Message-ID each time.

    Raises:
        ConfigError: ``notify.no_mail_server``, ``notify.mail_refused``: a repeat cannot help.
        InfrastructureError: ``notify.mail_unreachable``, ``notify.mail_delayed``.
    """
    if settings.host is None:
        raise ConfigError(
            "notify.no_mail_server", "No mail server is named.", advice="Set AERODAG_MAIL__HOST, or unsubscribe."
        )
    mail = compose(message, recipient, settings, now)
    try:
        server = _open(settings.host, settings)
        try:
            server.send_message(mail)
        finally:
            # The answer to DATA has decided: what goes wrong in parting does not matter.
            with suppress(OSError):
                server.quit()
            server.close()
    except smtplib.SMTPException as error:
        raise _judged(error, settings) from error
    except OSError as error:
        raise _unreachable(error, settings) from error


def compose(message: Message, recipient: Recipient, settings: Mail, now: datetime) -> EmailMessage:
    """The e-mail, as plain text and as HTML."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = settings.sender
    mail["To"] = recipient.address
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{message.id}@{settings.sender.rpartition('@')[2].strip('> ')}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_environment().get_template("mail.txt.j2").render(message=message, recipient=recipient))
    page = _environment().get_template("mail.html.j2").render(message=message, recipient=recipient)
    mail.add_alternative(page, subtype="html")
    return mail


def _open(host: str, settings: Mail) -> smtplib.SMTP:
    if settings.port == IMPLICIT_TLS_PORT:
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            host, settings.port, timeout=settings.seconds, context=ssl.create_default_context()
        )
    else:
        server = smtplib.SMTP(host, settings.port, timeout=settings.seconds)
    try:
        if settings.starttls and settings.port != IMPLICIT_TLS_PORT:
            server.starttls(context=ssl.create_default_context())
        if settings.user:
            server.login(settings.user, settings.password.get_secret_value() if settings.password else "")
    except BaseException:
        server.close()
        raise
    return server


def _judged(error: smtplib.SMTPException, settings: Mail) -> AerodagError:
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return ConfigError(
            "notify.mail_refused",
            f"The mail server {settings.host}:{settings.port} cannot do it: {error}",
            advice="For a server without STARTTLS set AERODAG_MAIL__STARTTLS=false.",
        )
    answer = _answer(error)
    if answer is None:
        return _unreachable(error, settings)
    code, text = answer
    words = f"The mail server answered {code}: {text}"
    # A password that the server refuses is mended by the operator while the mail waits.
    if code >= 500 and not isinstance(error, smtplib.SMTPAuthenticationError):
        return ConfigError("notify.mail_refused", words, advice="See that the address exists and may be written to.")
    return InfrastructureError("notify.mail_delayed", words, advice="It is tried again; see AERODAG_MAIL__USER if not.")


def _answer(error: smtplib.SMTPException) -> tuple[int, str] | None:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, words = next(iter(error.recipients.values()))
        return code, words.decode("utf-8", "replace")
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return error.smtp_code, said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return None


def _unreachable(error: OSError, settings: Mail) -> InfrastructureError:
    return InfrastructureError(
        "notify.mail_unreachable",
        f"The mail server {settings.host}:{settings.port} does not answer: {error or type(error).__name__}",
        advice="Check AERODAG_MAIL__HOST, AERODAG_MAIL__PORT and its certificate.",
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("aerodag.notify", "templates"),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
