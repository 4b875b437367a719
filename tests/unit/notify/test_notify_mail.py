"""E-mail, handed to a real mail server."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from aerodag.errors import AerodagError, Retry
from aerodag.notify.addresses import Recipient
from aerodag.notify.mail import send_mail
from aerodag.notify.message import Message
from aerodag.settings import Mail
from servers.notifications import Post, post_server

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANNA = Recipient("email", "anna@example.org")
MESSAGE = Message(
    id=uuid4(),
    event="run.degraded",
    happened_at=NOW,
    facts={
        "findings": [{"code": "odm.holes", "message": "3 % <holes> – ü.", "advice": "Fly with more overlap."}],
        "dataset": {"id": 7, "name": "flight & co.zip", "owner": "anna"},
        "run": {"id": 3, "dag_run_id": "manual_1", "state": "degraded"},
    },
    ui_url="https://airflow.example.org",
)


@pytest.fixture
def post() -> Iterator[Post]:
    with post_server() as server:
        yield server


def settings(post: Post, **changes: Any) -> Mail:
    plain = {"host": "127.0.0.1", "port": post.port, "starttls": False, "sender": "aerodag@example.org", "seconds": 3}
    return Mail(**plain | changes)


def failure(post: Post, **changes: Any) -> AerodagError:
    with pytest.raises(AerodagError) as caught:
        send_mail(MESSAGE, ANNA, settings(post, **changes), NOW)
    return caught.value


def part(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found
    return str(found.get_content())


def test_a_person_gets_the_same_in_text_and_html(post: Post) -> None:
    send_mail(MESSAGE, ANNA, settings(post), NOW)
    (mail,) = post.got
    assert mail["Subject"] == "[Aerodag] flight & co.zip: finished with shortcomings"
    assert (mail["To"], mail["From"]) == ("anna@example.org", "aerodag@example.org")
    assert mail["Message-ID"] == f"<{MESSAGE.id}@example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    text, page = part(mail, "plain"), part(mail, "html")
    for words in (
        "manual_1",
        "Fly with more overlap.",
        "https://airflow.example.org/dags/process_dataset/runs/manual_1",
    ):
        assert words in text
        assert words in page
    assert "Dataset 7 (flight & co.zip): degraded." in text
    assert "- [odm.holes] 3 % <holes> – ü. Fly with more overlap." in text
    assert "&lt;holes&gt;" in page
    assert "<holes>" not in page


def test_an_event_without_dataset_and_link(post: Post) -> None:
    disk = Message(
        id=uuid4(), event="disk.warning", happened_at=NOW, facts={"message": "76 % full.", "dataset": None, "run": None}
    )
    send_mail(disk, ANNA, settings(post), NOW)
    text = part(post.got[0], "plain").replace("\r\n", "\n")
    assert text.startswith("76 % full.\n\nTime: 2026-11-21 12:00:00 UTC\n")


def test_a_repeat_has_the_same_id(post: Post) -> None:
    send_mail(MESSAGE, ANNA, settings(post), NOW)
    send_mail(MESSAGE, ANNA, settings(post), NOW + timedelta(minutes=5))
    first, second = post.got
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Date"] != second["Date"]


@pytest.mark.parametrize(
    ("answer", "retry"), [("550 no such user", Retry.NEVER), ("450 greylisted", Retry.SAME), ("452 full", Retry.SAME)]
)
def test_a_recipient_who_is_refused(post: Post, answer: str, retry: Retry) -> None:
    post.refusals["anna@example.org"] = answer
    error = failure(post)
    assert error.retry is retry
    assert answer.replace(" ", ": ", 1) in error.message
    assert post.got == []


@pytest.mark.parametrize(("answer", "retry"), [("554 spam", Retry.NEVER), ("451 later", Retry.SAME)])
def test_a_text_that_is_refused(post: Post, answer: str, retry: Retry) -> None:
    post.data_answer = answer
    assert failure(post).retry is retry


def test_no_server_is_named() -> None:
    error = failure(Post(), host=None)
    assert (error.code, error.retry) == ("notify.no_mail_server", Retry.NEVER)


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        error = failure(Post(port=free.getsockname()[1]))
    assert (error.code, error.retry) == ("notify.mail_unreachable", Retry.SAME)


def test_a_server_that_says_nothing_holds_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = time.monotonic()
        error = failure(Post(port=silent.getsockname()[1]), seconds=0.5)
    assert error.code == "notify.mail_unreachable"
    assert time.monotonic() - begun < 10


def test_a_server_without_starttls_gets_nothing_unencrypted(post: Post) -> None:
    assert failure(post, starttls=True).code == "notify.mail_refused"
    assert post.got == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


def safe_server(certificate: tuple[Path, Path]) -> Any:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)

    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"aerodag", b"right"), handled=False)

    return post_server(tls_context=context, require_starttls=True, auth_required=True, authenticator=check)


def test_starttls_and_a_login(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with safe_server(certificate) as post:
        send_mail(MESSAGE, ANNA, settings(post, starttls=True, user="aerodag", password=SecretStr("right")), NOW)
        assert post.encrypted == [True]
        error = failure(post, starttls=True, user="aerodag", password=SecretStr("wrong"))
    assert (error.code, error.retry) == ("notify.mail_delayed", Retry.SAME)
    assert "wrong" not in str(error)


def test_a_server_with_a_strange_certificate_gets_nothing(certificate: tuple[Path, Path]) -> None:
    with safe_server(certificate) as post:
        error = failure(post, starttls=True, user="aerodag", password=SecretStr("right"))
        assert post.got == []
    assert error.code == "notify.mail_unreachable"
    assert "certificate" in error.message.lower()
