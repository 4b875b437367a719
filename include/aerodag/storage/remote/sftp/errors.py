"""What fails on an SFTP server, said so that a person knows what to do."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from aerodag.errors import AerodagError, ConfigError, InfrastructureError
from aerodag.settings import SftpServer
from aerodag.storage.remote.sftp.protocol import RefusedError, Status
from aerodag.storage.remote.sftp.transfer import WriteRefusedError

_GOT_KEY = re.compile(r"Server host key: (\S+) (SHA256:\S+)")
_AGAIN = "it is tried again"


def login_failed(name: str, server: SftpServer, log: str, reason: str) -> AerodagError:
    """The error behind a failed login, from the log of ``ssh -v``."""
    if "Host key verification failed" in log or "no matching host key type" in log:
        return _host_key(name, server, log)
    lines = [line for line in log.splitlines() if line.strip() and not line.startswith(("debug1:", "OpenSSH_"))]
    said = lines[-1].strip() if lines else reason
    where = f"{server.host}:{server.port}"
    numbers: dict[str, object] = {"server": name, "host": server.host, "port": server.port}
    if "Permission denied" in log or "Too many authentication failures" in log:
        return ConfigError(
            "storage.login_refused",
            f"The server {name} ({where}) refuses the login of {server.user or 'this user'} with {_means(server)}: "
            f"{said}.",
            advice="Put the public key into authorized_keys on the server, or correct user, key or password.",
            numbers=numbers,
        )
    if "subsystem request failed" in log:
        return ConfigError(
            "storage.no_sftp",
            f"The server {name} ({where}) accepts the login and offers no SFTP.",
            advice="Switch on the sftp subsystem in the server's sshd_config.",
            numbers=numbers,
        )
    if "Authenticated to" in log:
        return broken_off(name, f"logging in: {said}")
    return InfrastructureError(
        "storage.unreachable",
        f"The server {name} ({where}) cannot be reached: {said}.",
        advice=f"Check that the server runs and that host, port and firewall are right; {_AGAIN}.",
        numbers=numbers,
    )


def _host_key(name: str, server: SftpServer, log: str) -> ConfigError:
    got = _GOT_KEY.search(log)
    offered = f"{got[1]} {got[2]}" if got else "none of the expected kind"
    expected = ", ".join(fingerprints(server.host_key)) if server.host_key else "one in the user's known_hosts"
    return ConfigError(
        "storage.host_key",
        f"The server {name} ({server.host}:{server.port}) shows another host key: {offered} in place of {expected}.",
        advice="If the server was set up anew, give its new public key as host_key; if not, somebody is in between.",
        numbers={"server": name, "got": offered, "expected": expected},
    )


def fingerprints(host_key: str) -> list[str]:
    """Type and SHA-256 fingerprint of public key lines, as ``ssh-keygen -l`` prints them."""
    found = []
    for line in filter(None, map(str.strip, host_key.splitlines())):
        kind, _, rest = line.partition(" ")
        try:
            content = base64.b64decode(rest.split()[0], validate=True)
        except (binascii.Error, IndexError):
            found.append(f"{line[:40]!r} (not a public key)")
            continue
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        found.append(f"{kind} SHA256:{digest}")
    return found


def _means(server: SftpServer) -> str:
    given = {
        "the given key": server.private_key,
        f"the key {server.key_file}": None if server.private_key else server.key_file,
        "the password": server.password,
    }
    return " and ".join(means for means, value in given.items() if value is not None) or "the user's keys"


def key_unusable(name: str, why: str) -> ConfigError:
    """The private key of the settings cannot be used."""
    return ConfigError(
        "storage.login_refused",
        f"The private key for the server {name} cannot be used: {why}.",
        advice="Correct key_file, private_key or passphrase of the server's settings or connection.",
        numbers={"server": name},
    )


def broken_off(name: str, reason: str) -> InfrastructureError:
    """The connection ended or fell silent."""
    return InfrastructureError(
        "storage.broken_off",
        f"The connection to the server {name} broke off ({reason}).",
        advice=f"Check network and server; what was sent stays there and {_AGAIN} from where it ended.",
        numbers={"server": name},
    )


def missing(uri: str) -> InfrastructureError:
    """There is no such file."""
    return InfrastructureError(
        "storage.missing",
        f"There is no file {uri}.",
        advice="Check whether somebody moved or removed it on the server.",
        numbers={"uri": uri},
    )


def checksum(uri: str, what: str) -> InfrastructureError:
    """What arrived is not what was sent."""
    return InfrastructureError(
        "storage.checksum",
        f"{uri} is not what it should be: {what}.",
        advice=f"Check disk and network of the storage host; {_AGAIN}.",
        numbers={"uri": uri},
    )


def refused(name: str, uri: str, error: RefusedError, space: tuple[int, bool] | None) -> AerodagError:
    """A request that the server refused; ``space`` is what it says of its disk: free bytes and whether read-only."""
    numbers: dict[str, object] = {"server": name, "uri": uri, "status": error.status}
    free, read_only = space or (None, False)
    writing = isinstance(error, WriteRefusedError)
    if read_only or error.status == Status.PERMISSION_DENIED:
        why = "the file system is read-only" if read_only else "permission denied"
        return ConfigError(
            "storage.access_denied",
            f"{uri} may not be read or written: {why}.",
            advice="Give the server's user the right to read and write in that folder.",
            numbers=numbers,
        )
    if error.status == Status.NO_SUCH_FILE:
        return missing(uri)
    if writing and free is not None:
        full = free < 16 * 1024**2
        why = "its disk is full" if full else "its user's quota or the largest size of a file may be reached"
        return InfrastructureError(
            "storage.disk_full",
            f"The server {name} refuses to write {uri} with {free / 1e9:.1f} GB free: {why}.",
            advice=f"Free space on the server or raise the quota; {_AGAIN} from where it ended.",
            numbers=numbers | {"free_bytes": free},
        )
    return InfrastructureError(
        "storage.failed",
        f"The server {name} answers {str(error) or 'Failure'!r} (status {error.status}) for {uri}.",
        advice=f"Check disk and rights on the server; {_AGAIN}.",
        numbers=numbers,
    )
