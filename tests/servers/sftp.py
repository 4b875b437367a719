"""A real OpenSSH server for the tests, with keys, users and folders of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from aerodag.settings import SftpServer
from servers.ports import free_port

PASSWORD = "a pass word: ü"
PILOT = "aerodag-pilot"
_PILOT_ID = 54321
_WAIT_SECONDS = 20
_CONFIGURATION = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile {folder}/sshd.pid
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication {password}
KbdInteractiveAuthentication no
PermitRootLogin yes
MaxStartups 100:30:200
MaxSessions 100
Subsystem sftp {subsystem}
{extra}
"""


def sshd() -> str | None:
    """Path of OpenSSH's server; sshd insists on being started by its full one."""
    return shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")


class SshHost:
    """An sshd that tests may stop, kill and start again.

    As root it knows the user `PILOT` and the password too, and sees a disk of 8 MB at `small` and a read-only one at
    `fixed`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = folder / "files"
        self.files.mkdir()
        self.files.chmod(0o777)
        self.small, self.fixed = folder / "small", folder / "fixed"
        for mounted in (self.small, self.fixed):
            mounted.mkdir()
        self.user = getpass.getuser()
        self.key = folder / "client_key"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        make_key(self.key)
        shutil.copy(f"{self.key}.pub", folder / "authorized_keys")
        (folder / "authorized_keys").chmod(0o644)
        self.change_host_key()
        if os.geteuid() == 0:
            self._write_users()

    @property
    def host_key(self) -> str:
        """The server's public key: type and base64."""
        return " ".join((self.folder / "host_key.pub").read_text().split()[:2])

    def settings(self, **changes: object) -> SftpServer:
        """How a store reaches this server."""
        given: dict[str, object] = {
            "host": "127.0.0.1", "port": self.port, "user": self.user, "key_file": self.key,
            "host_key": self.host_key, "connect_seconds": 5.0, "idle_seconds": 5.0,
        }  # fmt: skip
        return SftpServer.model_validate(given | changes)

    def change_host_key(self) -> None:
        """Another identity, from the next start on."""
        make_key(self.folder / "host_key")

    def start(self, *, extra: str = "", subsystem: str | None = None) -> None:
        """Starts the server and waits until it answers."""
        configuration = _CONFIGURATION.format(
            port=self.port,
            folder=self.folder,
            password="yes" if os.geteuid() == 0 else "no",
            subsystem=subsystem or sftp_program(),
            extra=extra,
        )
        (self.folder / "sshd_config").write_text(configuration)
        command = [str(sshd()), "-D", "-e", "-f", f"{self.folder}/sshd_config"]
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
            mounts = [f"mount --bind {self.folder}/{name} /etc/{name}" for name in ("passwd", "shadow")]
            mounts += [
                f"mount -t tmpfs -o size=8m,mode=777 small {self.small}",
                f"mount -t tmpfs -o ro fixed {self.fixed}",
            ]
            script = " && ".join([*mounts, 'exec "$@"'])
            command = ["unshare", "--mount", "--propagation", "slave", "sh", "-c", script, "sh", *command]
        with (self.folder / "sshd.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._await_answer()

    def sessions(self) -> list[psutil.Process]:
        """Processes that serve connected clients."""
        assert self._process is not None
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self._process.pid).children(recursive=True)
        return []

    def kill_sessions(self) -> int:
        """Every connection breaks at once; new ones are served."""
        sessions = self.sessions()
        for process in sessions:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        return len(sessions)

    def stop(self) -> None:
        """The server and its sessions end."""
        if self._process is None:
            return
        self.kill_sessions()
        self._process.terminate()
        self._process.wait(_WAIT_SECONDS)
        self._process = None

    def _await_answer(self) -> None:
        until = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=2) as client:
                if client.recv(4) == b"SSH-":
                    return
            assert self._process is not None
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"sshd does not answer: {(self.folder / 'sshd.log').read_text()}")

    def _write_users(self) -> None:
        """Users with a password that exist for this sshd only: it sees these files in place of the machine's."""
        hashed = subprocess.run(
            [str(shutil.which("openssl")), "passwd", "-6", "-stdin"],
            input=PASSWORD,
            capture_output=True,
            check=True,
            text=True,
        ).stdout.strip()
        passwd = Path("/etc/passwd").read_text() + f"{PILOT}:x:{_PILOT_ID}:{_PILOT_ID}::{self.files}:/bin/sh\n"
        (self.folder / "passwd").write_text(passwd)
        (self.folder / "passwd").chmod(0o644)
        (self.folder / "shadow").write_text(
            "".join(f"{name}:{hashed}:19000:0:99999:7:::\n" for name in (self.user, PILOT, "sshd"))
        )


@contextmanager
def running_sshd() -> Iterator[SshHost]:
    """An sshd for some tests; they are skipped where OpenSSH's server is not installed."""
    if sshd() is None:
        pytest.skip("OpenSSH's server is not installed (Debian: openssh-server)")
    # Below /tmp and open to all, unlike pytest's folders: sshd reads it as another user.
    folder = Path(tempfile.mkdtemp(prefix="aerodag-sshd-"))
    folder.chmod(0o755)
    host = SshHost(folder)
    try:
        host.start()
        yield host
    finally:
        host.stop()
        shutil.rmtree(folder, ignore_errors=True)


def make_key(path: Path, passphrase: str = "") -> Path:
    """A new Ed25519 key pair, in place of what was there."""
    path.unlink(missing_ok=True)
    program = str(shutil.which("ssh-keygen"))
    subprocess.run([program, "-q", "-t", "ed25519", "-N", passphrase, "-C", "test", "-f", str(path)], check=True)
    return path


def sftp_program() -> str:
    """Path of OpenSSH's SFTP program, or the one inside sshd."""
    places = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server")
    return next((place for place in places if Path(place).exists()), "internal-sftp")
