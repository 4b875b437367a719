"""Ways to a Docker engine other than its socket: TLS with certificates of both sides, and ssh."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from typing import Any

import paramiko
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DIAL = b"docker system dial-stdio"


class Door:
    """Listens on a port and hands each connection to ``serve``, which brings it to the engine's socket."""

    def __init__(self, engine: str, serve: Callable[[socket.socket, Door], None]) -> None:
        self._engine = engine.removeprefix("unix://")
        self._serve = serve
        self._open: list[Any] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    def bring(self, visitor: Any) -> None:
        """Connects ``visitor`` with the engine until one of them ends."""
        engine = socket.socket(socket.AF_UNIX)
        engine.connect(self._engine)
        self._open += [visitor, engine]
        for source, sink in ((visitor, engine), (engine, visitor)):
            Thread(target=_pump, args=(source, sink), daemon=True).start()

    def cut(self) -> None:
        """Ends all connections there are; new ones are taken."""
        while self._open:
            with suppress(OSError, EOFError):
                self._open.pop().close()

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def keep(self, connection: Any) -> None:
        self._open.append(connection)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                Thread(target=self._admit, args=(connection,), daemon=True).start()

    def _admit(self, connection: socket.socket) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            self._serve(connection, self)


def _pump(source: Any, sink: Any) -> None:
    with suppress(OSError, EOFError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError, EOFError):
        sink.close()


@contextmanager
def tls_door(engine: str, folder: Path) -> Iterator[Door]:
    """A port that wants a client certificate; ca.pem, client.pem and client.key are put into ``folder``."""
    _certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    door = Door(engine, lambda connection, door: door.bring(context.wrap_socket(connection, server_side=True)))
    yield door
    door.close()


@contextmanager
def ssh_door(engine: str, home: Path) -> Iterator[Door]:
    """An ssh server; the key that it takes is named in ``home``/.ssh/config, and known_hosts lists it."""
    host, user = paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate()

    def serve(connection: socket.socket, door: Door) -> None:
        transport = paramiko.Transport(connection)
        door.keep(transport)
        transport.add_server_key(host)
        transport.start_server(server=_SshServer(user, door))

    door = Door(engine, serve)
    (home / ".ssh").mkdir()
    user.write_private_key_file(str(home / ".ssh" / "key"))
    (home / ".ssh" / "config").write_text(f"Host 127.0.0.1\n  IdentityFile {home}/.ssh/key\n")
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{door.port} {host.get_name()} {host.get_base64()}\n")
    yield door
    door.close()


class _SshServer(paramiko.ServerInterface):
    def __init__(self, key: paramiko.PKey, door: Door) -> None:
        self._key = key
        self._door = door

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return paramiko.AUTH_SUCCESSFUL if key == self._key else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        if command == DIAL:
            self._door.bring(channel)
        return command == DIAL


def _certificates(folder: Path) -> None:
    authority = ec.generate_private_key(ec.SECP256R1())
    _write(folder, "ca", authority, _certificate("ca", authority, authority))
    for name in ("server", "client"):
        key = ec.generate_private_key(ec.SECP256R1())
        _write(folder, name, key, _certificate(name, key, authority))


def _certificate(name: str, key: ec.EllipticCurvePrivateKey, authority: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    now = datetime.now(UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    issuer = authority.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ca")]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(alternative, critical=False)
        .add_extension(x509.BasicConstraints(ca=name == "ca", path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False)
        .sign(authority, hashes.SHA256())
    )


def _write(folder: Path, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / f"{name}.key").write_bytes(key.private_bytes(*form))
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
