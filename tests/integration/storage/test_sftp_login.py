"""Who may log in to a real OpenSSH server, who the server is, and what happens when it goes away."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aerodag.errors import ConfigError, InfrastructureError
from aerodag.storage.remote.sftp import store as sftp
from aerodag.storage.remote.sftp.errors import fingerprints
from aerodag.storage.remote.sftp.store import SftpStore
from servers.sftp import PASSWORD, PILOT, SshHost, make_key, running_sshd

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give the server a user with a password")


@pytest.fixture
def host() -> Iterator[SshHost]:
    with running_sshd() as running:
        yield running


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sftp, "_PAUSES", (0.05, 0.1, 0.2))


def use(server: SshHost, /, **changes: object) -> None:
    """One write and read through a store of its own."""
    store = SftpStore(f"sftp://nas{server.files}", server.settings(**changes))
    try:
        store.write("proof.txt", b"proof")
        assert store.read("proof.txt") == b"proof"
    finally:
        store.close()


def refusal(server: SshHost, /, **changes: object) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        use(server, **changes)
    return caught.value


def test_key_file_that_others_may_read(host: SshHost) -> None:
    host.key.chmod(0o644)
    use(host)


def test_key_text_without_its_last_line_end(host: SshHost) -> None:
    use(host, key_file=None, private_key=host.key.read_text().replace("\n", "\r\n").strip())


def test_key_with_passphrase(host: SshHost) -> None:
    make_key(host.key, passphrase="opén sesame")
    shutil.copy(f"{host.key}.pub", host.folder / "authorized_keys")
    use(host, passphrase="opén sesame")
    assert "passphrase does not fit" in refusal(host, passphrase="wrong").message
    assert "no passphrase" in refusal(host).message


@needs_root
@pytest.mark.parametrize("user", ["root", PILOT])
def test_password(host: SshHost, user: str) -> None:
    use(host, key_file=None, password=PASSWORD, user=user)


@needs_root
def test_wrong_password(host: SshHost) -> None:
    error = refusal(host, key_file=None, password="wrong")
    assert error.code == "storage.login_refused"
    assert "the password" in error.message
    assert "wrong" not in str(error)


def test_agent(host: SshHost, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    socket = host.folder / "agent"
    agent = subprocess.Popen([str(shutil.which("ssh-agent")), "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            assert agent.poll() is None
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        subprocess.run([str(shutil.which("ssh-add")), "-q", str(host.key)], check=True)
        use(host, key_file=None)
    finally:
        agent.terminate()
        agent.wait()


def test_another_key_is_refused(host: SshHost) -> None:
    error = refusal(host, key_file=make_key(host.folder / "other"))
    assert error.code == "storage.login_refused"
    assert "Permission denied" in error.message
    assert str(host.folder / "other") in error.message


def test_key_that_is_none(host: SshHost) -> None:
    assert refusal(host, key_file=host.folder / "absent").code == "storage.login_refused"
    assert "not a private key" in refusal(host, key_file=None, private_key="ssh-ed25519 AAAA").message


def test_changed_host_key_is_refused_with_both_fingerprints(host: SshHost) -> None:
    pinned = host.host_key
    use(host)
    host.stop()
    host.change_host_key()
    host.start()

    error = refusal(host, host_key=pinned)

    assert error.code == "storage.host_key"
    assert error.numbers["expected"] == fingerprints(pinned)[0]
    assert error.numbers["got"] == fingerprints(host.host_key)[0]
    assert error.numbers["got"] in error.message
    use(host, host_key=f"{pinned}\n{host.host_key}\n")


def test_fingerprints_are_those_of_ssh_keygen(host: SshHost) -> None:
    program = str(shutil.which("ssh-keygen"))
    listed = subprocess.run([program, "-l", "-f", f"{host.key}.pub"], capture_output=True, text=True, check=True).stdout
    assert fingerprints(Path(f"{host.key}.pub").read_text())[0].split()[1] == listed.split()[1]
    assert "not a public key" in fingerprints("nonsense")[0]


def test_unknown_host_is_refused(host: SshHost) -> None:
    error = refusal(host, host_key=None)
    assert error.code == "storage.host_key"
    assert fingerprints(host.host_key)[0] in error.message


def test_unreachable(host: SshHost) -> None:
    host.stop()
    with pytest.raises(InfrastructureError, match="Connection refused") as caught:
        use(host)
    assert caught.value.code == "storage.unreachable"
    with pytest.raises(InfrastructureError) as caught:
        use(host, host="no-such-host.invalid")
    assert caught.value.code == "storage.unreachable"


def test_a_host_is_never_an_option(host: SshHost) -> None:
    marker = host.folder / "owned"
    with pytest.raises(InfrastructureError):
        use(host, host=f"-oProxyCommand=touch {marker}")
    assert not marker.exists()


def test_no_program(host: SshHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert refusal(host).code == "storage.ssh_missing"


def test_server_without_sftp(host: SshHost) -> None:
    host.stop()
    host.start(subsystem="/nowhere/sftp-server")
    with pytest.raises((ConfigError, InfrastructureError)) as caught:
        use(host)
    assert caught.value.code in {"storage.no_sftp", "storage.broken_off"}


def test_a_restarted_server_is_logged_in_to_again(host: SshHost) -> None:
    store = SftpStore(f"sftp://nas{host.files}", host.settings())
    store.write("a", b"x")
    host.stop()
    host.start()
    assert store.read("a") == b"x"
    store.close()
    assert _soon(lambda: host.sessions() == []), "closing ends the connection"
    assert store.read("a") == b"x"
    store.close()


def _soon(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + 10
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)
    return condition()


def test_nothing_secret_is_left(host: SshHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    store = SftpStore(f"sftp://nas{host.files}", host.settings())
    store.write("a", b"x")
    assert list(tmp_path.iterdir()) == []
    store.close()
