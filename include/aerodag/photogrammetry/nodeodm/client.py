"""One HTTP connection to a node, with its answers and failures in this project's terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

import requests
from pyodm.types import NodeInfo
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError
from urllib3.util import Retry

from aerodag.errors import AerodagError, ConfigError, EngineError, InfrastructureError

_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 60.0
# ClusterODM answers so in every number of /info, for "no limit known".
_UNKNOWN = 99_999_999_999
# What a proxy in front of nodes says, with status 200, when the node behind it did not answer.
_PASSING = ("proxy redirect error", "exception", "no nodes available", "no nodes are online")
_TOKEN_REFUSED = ("authentication token", "unauthorized")


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What a node says of itself; None where it does not know. ``memory_bytes`` is the host's."""

    version: str
    engine: str
    engine_version: str
    max_images: int | None
    cpu_cores: int | None
    memory_bytes: int | None
    waiting: int | None


class Refusal(EngineError):
    """The node answered, and says no."""


class NotConnected(InfrastructureError):
    """The request has certainly not reached the node."""


class Client:
    """Requests to one node. pyodm's own ``Node`` is not used for them.

    It speaks TLS on port 443 only, shares the token between nodes through a default argument, fails on a log line that
    reads ``error``, and holds files whole in memory.
    """

    def __init__(self, url: str, token: str = "") -> None:
        parts = urlsplit(url)
        self._base = urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))
        self._token = token or next(iter(parse_qs(parts.query).get("token", [])), "")
        self.address = parts.netloc.rpartition("@")[2] + parts.path.rstrip("/")
        self._session = requests.Session()
        # Only GET: nothing that changes the node's state is repeated below the eyes of who asked for it.
        again = Retry(
            total=2,
            backoff_factor=0.2,
            status_forcelist=(500, 502, 503, 504),
            allowed_methods=("GET",),
            raise_on_status=False,
        )
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=again, pool_maxsize=16))

    def get(self, path: str, **query: int | str) -> Any:
        """The JSON answer. Raises as `answer`."""
        return self.answer(self._ask("GET", path, params=query))

    def post(self, path: str, data: Any = None, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The JSON answer to one attempt. Raises as `answer`."""
        found = self.answer(self._ask("POST", path, data=data, headers=headers))
        return found if isinstance(found, dict) else {}

    def stream(self, path: str, headers: Mapping[str, str]) -> requests.Response:
        """A body to be read in blocks; its status is the caller's to judge."""
        return self._ask("GET", path, headers=headers, stream=True)

    def facts(self, seconds: float = _ANSWER_SECONDS) -> NodeFacts:
        """What the node says of itself, within ``seconds``, asked once."""
        try:
            response = requests.get(self._base + "/info", params=self._query({}), timeout=seconds)
        except requests.RequestException as error:
            raise self.unreachable(error) from error
        answer = self.answer(response)
        if not isinstance(answer, dict):
            raise self._unreadable()
        info = NodeInfo(answer)
        return NodeFacts(
            version=str(info.version),
            engine=str(info.engine),
            engine_version=str(info.engine_version),
            max_images=_known(info.max_images),
            cpu_cores=_known(info.cpu_cores),
            memory_bytes=_known(info.total_memory),
            waiting=_known(info.task_queue_count),
        )

    def answer(self, response: requests.Response) -> Any:
        """What the node answered.

        Raises:
            ConfigError: ``engine.unauthorised``.
            InfrastructureError: ``engine.unreachable`` when the node, or the one behind it, is not well.
            EngineError: ``engine.node_refused``, a `Refusal`, with the node's own words.
        """
        if response.status_code in {401, 403}:
            raise self._unauthorised()
        if response.status_code >= 500:
            raise self.unreachable(f"it answered with status {response.status_code}")
        try:
            found = response.json()
        except requests.JSONDecodeError as error:
            if response.status_code == 200:
                raise self._unreadable() from error
            found = {"error": f"status {response.status_code}"}
        if isinstance(found, dict) and "error" in found:
            raise self._refused(str(found["error"]))
        return found

    def unreachable(self, reason: object) -> InfrastructureError:
        """The error for a node that does not answer as it should; the token is kept out of it."""
        kind = NotConnected if _before_sending(reason) else InfrastructureError
        return kind(
            "engine.unreachable",
            f"The node {self.address} could not be reached: {self._without_token(str(reason))}.",
            advice="Check that the node runs and that this machine reaches it; the step can then be tried again.",
        )

    def _ask(self, method: str, path: str, **rest: Any) -> requests.Response:
        rest["params"] = self._query(rest.get("params", {}))
        # A kept connection that the node is about to close would leave it open whether a POST arrived.
        ask = self._session.request if method == "GET" else requests.request
        try:
            return ask(method, self._base + path, timeout=(_CONNECT_SECONDS, _ANSWER_SECONDS), **rest)
        except requests.RequestException as error:
            raise self.unreachable(error) from error

    def _query(self, query: Mapping[str, int | str]) -> dict[str, int | str]:
        return {**query, "token": self._token} if self._token else dict(query)

    def _refused(self, text: str) -> AerodagError:
        plain = text.lower()
        if any(sign in plain for sign in _TOKEN_REFUSED):
            return self._unauthorised()
        if any(plain == sign or (sign != "exception" and sign in plain) for sign in _PASSING):
            return self.unreachable(text)
        return Refusal(
            "engine.node_refused",
            f"The node {self.address} refused: {self._without_token(text)}.",
            advice="See the node's own log for the reason.",
            numbers={"text": self._without_token(text)},
        )

    def _unauthorised(self) -> ConfigError:
        return ConfigError(
            "engine.unauthorised",
            f"The node {self.address} does not accept the token.",
            advice="Set the node's token in AERODAG_NODEODM__TOKEN or in the connection.",
        )

    def _unreadable(self) -> InfrastructureError:
        return self.unreachable("what answers there does not speak NodeODM's language")

    def _without_token(self, text: str) -> str:
        if not self._token:
            return text
        return text.replace(quote(self._token, safe=""), "***").replace(self._token, "***")


def _known(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and 0 <= value < _UNKNOWN else None


def _before_sending(reason: object) -> bool:
    if isinstance(reason, requests.ConnectTimeout):
        return True
    inner = reason.args[0] if isinstance(reason, requests.ConnectionError) and reason.args else None
    return isinstance(getattr(inner, "reason", None), NewConnectionError)
