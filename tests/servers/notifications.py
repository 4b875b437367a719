"""Real servers that take notifications: HTTP, and SMTP with or without STARTTLS."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.smtp import SMTP


@dataclass
class Hook:
    """A webhook's server: it answers ``status``, after ``delay`` seconds, and remembers what it got."""

    url: str = ""
    status: int = 200
    delay: float = 0.0
    drip: bool = False
    location: str | None = None
    got: list[tuple[dict[str, str], str]] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.got]


class _HookHandler(BaseHTTPRequestHandler):
    hook: Hook
    wbufsize = -1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.hook.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.hook.arrived.set()
        time.sleep(self.hook.delay)
        if self.hook.drip:
            self._drip()
            return
        try:
            self.send_response(self.hook.status)
            if self.hook.location:
                self.send_header("Location", self.hook.location)
            self.end_headers()
            self.wfile.write(b"so it is")
        except OSError:  # the caller has lost patience
            self.close_connection = True

    def _drip(self) -> None:
        """A byte now and then, each well within a limit for one read."""
        try:
            for byte in b"HTTP/1.1 200 OK\r\nx-long: " + b"a" * 200:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(0.1)
        except OSError:
            self.close_connection = True

    def log_message(self, *arguments: object) -> None:
        """Quiet."""


@contextmanager
def hook_server() -> Iterator[Hook]:
    hook = Hook()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_HookHandler,), {"hook": hook}))
    server.daemon_threads = True
    hook.url = f"http://127.0.0.1:{server.server_port}/hook?token=t"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Post:
    """A mail server's memory; ``refusals`` are its answers to recipients, ``data_answer`` that to the text."""

    port: int = 0
    refusals: dict[str, str] = field(default_factory=dict)
    data_answer: str = "250 taken"
    got: list[EmailMessage] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.got.append(mail)
        self.encrypted.append(session.ssl is not None)
        return self.data_answer


@contextmanager
def post_server(**options: Any) -> Iterator[Post]:
    """A mail server; ``options`` are aiosmtpd's (tls_context, require_starttls, authenticator ...)."""
    post = Post()
    loop = asyncio.new_event_loop()
    listening = loop.run_until_complete(loop.create_server(lambda: SMTP(post, loop=loop, **options), "127.0.0.1", 0))
    post.port = listening.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield post
    finally:
        loop.call_soon_threadsafe(listening.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
