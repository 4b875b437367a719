"""Logging in to an SFTP server: OpenSSH's own client carries the bytes, encrypts them and checks who the server is."""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from aerodag.errors import ConfigError
from aerodag.settings import SftpServer
from aerodag.storage.remote.sftp import errors as sftp_errors
from aerodag.storage.remote.sftp.protocol import BrokenError, Channel

_PIPE_BYTES = 1024**2
_ALIAS = "server"
_PASSWORD_VARIABLE = "AERODAG_SFTP_PASSWORD"  # noqa: S105
_ASKPASS = f"""#!/bin/sh
printf '%s\\n' "${_PASSWORD_VARIABLE}"
"""


class Connection:
    """One login: a channel to the server's SFTP subsystem through an ``ssh`` process of its own."""

    def __init__(self, name: str, server: SftpServer) -> None:
        self._name, self._server = name, server
        with tempfile.TemporaryDirectory(prefix="aerodag-ssh-") as folder:
            command, environment = _command(name, server, Path(folder))
            self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
            # A session of its own: a terminal's interrupt is answered by this process, and nothing prompts there.
            self._process = subprocess.Popen(
                [*command, "-s", "--", server.host, "sftp"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=environment,
                start_new_session=True,
            )
            self.owner = os.getpid()
            try:
                self.channel = self._greeted()
            except BaseException:
                self.close()
                raise

    def run(self, command: list[str], seconds: float) -> str | None:
        """What a command on the server prints; None where it fails or the account may not run any."""
        with tempfile.TemporaryDirectory(prefix="aerodag-ssh-") as folder:
            ssh, environment = _command(self._name, self._server, Path(folder))
            try:
                done = subprocess.run(
                    [*ssh, "--", self._server.host, shlex.join(command)],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    env=environment,
                    timeout=seconds,
                    start_new_session=True,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return None
        return done.stdout.decode(errors="replace") if done.returncode == 0 else None

    def close(self) -> None:
        """Ends the ``ssh`` process; one that a parent of this process started is left to it."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        if self.owner == os.getpid():
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _greeted(self) -> Channel:
        read, write = (pipe.fileno() for pipe in (self._process.stdout, self._process.stdin) if pipe is not None)
        for pipe in (read, write):
            with suppress(OSError, AttributeError):
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        channel = Channel(read, write, self._server.idle_seconds)
        try:
            channel.greet(2 * self._server.connect_seconds)
        except BrokenError as error:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
            self._log.seek(0)
            log = self._log.read().decode(errors="replace")
            raise sftp_errors.login_failed(self._name, self._server, log, str(error)) from error
        return channel


def _command(name: str, server: SftpServer, folder: Path) -> tuple[list[str], Mapping[str, str]]:
    """The ``ssh`` command up to the host; what is secret lies in ``folder``, which goes as soon as it has logged in."""
    program = shutil.which("ssh")
    if program is None:
        raise ConfigError(
            "storage.ssh_missing",
            f"The server {name} is reached through OpenSSH's client, and there is no program ssh on this machine.",
            advice="Install OpenSSH's client (Debian: openssh-client) for the user of the Airflow services.",
        )
    options = {
        "ConnectTimeout": max(1, round(server.connect_seconds)),
        "ServerAliveInterval": server.keepalive_seconds,
        "ServerAliveCountMax": 3,
        "Ciphers": "^aes128-gcm@openssh.com",
        "ClearAllForwardings": "yes",
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "NumberOfPasswordPrompts": 1,
    }
    environment = dict(os.environ)
    options |= _pinned(server, folder) | _identity(name, server, folder)
    if server.password is not None:
        (folder / "askpass").write_text(_ASKPASS)
        (folder / "askpass").chmod(0o700)
        environment |= {"SSH_ASKPASS": str(folder / "askpass"), "SSH_ASKPASS_REQUIRE": "force"}
        environment |= {_PASSWORD_VARIABLE: server.password.get_secret_value(), "DISPLAY": ":none"}
    else:
        options["BatchMode"] = "yes"
    arguments = [f"-o{key}={value}" for key, value in options.items()]
    user = ["-l", server.user] if server.user else []
    # -v: what the server's key is and why a login fails can be read from its log, and nowhere else.
    return [program, "-v", "-F", "none", "-T", "-p", str(server.port), *user, *arguments], environment


def _pinned(server: SftpServer, folder: Path) -> dict[str, object]:
    if server.host_key is None:
        return {}
    lines = [line.strip() for line in server.host_key.splitlines() if line.strip()]
    known = folder / "known_hosts"
    known.write_text("".join(f"{_ALIAS} {line}\n" for line in lines))
    return {"HostKeyAlias": _ALIAS, "UserKnownHostsFile": known, "GlobalKnownHostsFile": "none"}


def _identity(name: str, server: SftpServer, folder: Path) -> dict[str, object]:
    """Options for the key; where a password is given and no key, the agent's are not tried before it."""
    passwords = "password,keyboard-interactive"
    if server.private_key is not None:
        content = server.private_key.get_secret_value().encode()
    elif server.key_file is not None:
        content = _key_file(name, server.key_file)
    else:
        return {"PubkeyAuthentication": "no", "PreferredAuthentications": passwords} if server.password else {}
    # A file of our own: ssh refuses keys that others may read, and a mounted secret often is like that.
    path = folder / "key"
    path.touch(0o600)
    path.write_bytes(_key(name, server, content))
    return {
        "IdentityFile": path,
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "PreferredAuthentications": f"publickey,{passwords}",
    }


def _key_file(name: str, path: Path) -> bytes:
    try:
        return path.expanduser().read_bytes()
    except OSError as error:
        raise sftp_errors.key_unusable(name, f"{path}: {error.strerror}") from error


def _key(name: str, server: SftpServer, content: bytes) -> bytes:
    """The private key without its passphrase, in a form that ssh reads."""
    from cryptography.hazmat.primitives import serialization

    # Text that went through a form or an environment variable may have lost the end of its last line.
    content = content.replace(b"\r\n", b"\n").strip() + b"\n"
    openssh = b"BEGIN OPENSSH" in content
    load = serialization.load_ssh_private_key if openssh else serialization.load_pem_private_key
    if not _encrypted(name, content, load):
        return content
    if server.passphrase is None:
        raise sftp_errors.key_unusable(name, "it is encrypted, and no passphrase is given")
    try:
        key = load(content, server.passphrase.get_secret_value().encode())
    except ValueError as error:
        raise sftp_errors.key_unusable(name, "the passphrase does not fit") from error
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )


def _encrypted(name: str, content: bytes, load: Callable[[bytes, bytes | None], object]) -> bool:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        load(content, None)
    except TypeError:
        return True
    except UnsupportedAlgorithm:
        # ssh may know kinds of keys that are new to others.
        return False
    except ValueError as error:
        raise sftp_errors.key_unusable(name, "it is not a private key in OpenSSH's or PEM format") from error
    return False
