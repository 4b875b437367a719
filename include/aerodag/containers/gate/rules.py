"""Which calls pass, and what a container may be given."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_pascal

from aerodag.containers.spec import ROLE

OPEN, LIST, CREATE, OWN = "open", "list", "create", "own"

_NAME = r"[A-Za-z0-9][\w.-]*"
_CALLS = {
    OPEN: r"(GET|HEAD) /_ping|GET /(version|info)|GET /images/[\w./:@-]+/json",
    LIST: r"GET /containers/json",
    CREATE: r"POST /containers/create",
    OWN: rf"GET /containers/{_NAME}/(json|logs|stats)|POST /containers/{_NAME}/(start|stop|kill|wait)"
    rf"|DELETE /containers/{_NAME}",
}
_PATTERNS = {kind: re.compile(pattern, re.ASCII) for kind, pattern in _CALLS.items()}


class RefusedError(Exception):
    """A call that does not pass, with the reason."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What containers may be.

    ``images`` are references; other images of the same repositories are allowed too, for a run that was planned with
    an earlier one. ``user`` is ``UID:GID``, never root's. Folders below ``data`` may be mounted, ``models`` only for
    reading.
    """

    images: frozenset[str]
    user: str
    data: Path
    models: Path | None = None


class _Part(BaseModel):
    """Engine words are PascalCase. What is not named here is refused, whatever a newer engine makes of it."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_pascal)


class _Mount(_Part):
    type: Literal["bind"]
    source: str
    target: str
    read_only: bool = False


class _Log(_Part):
    type: Literal["json-file"]
    config: dict[Literal["max-size", "max-file"], str]


class _Gpus(_Part):
    driver: Literal["", "nvidia"] = ""
    count: int = 0
    device_ids: list[str] = Field(default=[], alias="DeviceIDs")
    capabilities: list[list[Literal["gpu"]]]
    options: dict[str, str] = Field(default={}, max_length=0)


class _Host(_Part):
    network_mode: Literal["none", "bridge"]
    cap_drop: list[Literal["ALL"]] = Field(min_length=1)
    security_opt: list[Literal["no-new-privileges"]] = Field(min_length=1)
    log_config: _Log
    mounts: list[_Mount] = []
    tmpfs: dict[str, str] = {}
    readonly_rootfs: bool = False
    memory: int = 0
    memory_swap: int = 0
    nano_cpus: int = 0
    pids_limit: int = 0
    shm_size: int = 0
    oom_score_adj: int = Field(default=0, ge=0)
    init: bool = False
    device_requests: list[_Gpus] = []
    runtime: Literal["nvidia"] | None = None


class _Container(_Part):
    image: str = Field(pattern=r"^\w[\w:@-]*([./][\w:@-]+)*$")
    user: str
    labels: dict[str, str]
    host_config: _Host
    entrypoint: list[str] = []
    cmd: list[str] = []
    env: list[str] = []
    stop_signal: Literal["SIGTERM"] = "SIGTERM"
    stop_timeout: int = 10
    attach_stdout: bool = False
    attach_stderr: bool = False


def kind_of(method: str, path: str) -> str:
    """Which kind of call it is; ``path`` is decoded and without the API's version. Raises ``RefusedError``."""
    call = f"{method} {path}"
    for kind, pattern in _PATTERNS.items():
        if pattern.fullmatch(call) and ".." not in path:
            return kind
    raise RefusedError(f"{call} is not one of the calls that an engine run needs")


def checked_body(body: bytes, policy: Policy) -> tuple[bytes, str]:
    """The body of a creation, written anew from what was understood of it, and its image, still to be checked.

    Raises ``RefusedError``.
    """
    try:
        given = _given(json.loads(body, object_pairs_hook=_once))
        container = _Container.model_validate(given)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise RefusedError(f"a container like this is not for an engine ({wrong})") from error
    except (ValueError, RecursionError, AttributeError) as error:
        raise RefusedError(f"the body is no JSON object of a container ({error})") from error
    if ROLE not in container.labels:
        raise RefusedError(f"the label {ROLE} is missing")
    if container.user != policy.user:
        raise RefusedError(f"its user would be {container.user}, not {policy.user}")
    for mount in container.host_config.mounts:
        _check_mount(mount, policy)
    return json.dumps(given).encode(), container.image


def check_image(facts: Mapping[str, Any], policy: Policy) -> None:
    """Whether an inspected image is an engine's. Raises ``RefusedError``."""
    names = [*(facts.get("RepoTags") or ()), *(facts.get("RepoDigests") or ())]
    if not {_repository(name) for name in names} & {_repository(image) for image in policy.images}:
        raise RefusedError(f"the image {', '.join(names)} is none of {', '.join(sorted(policy.images))}")


def narrowed_filters(text: str | None) -> str:
    """The filters of a list of containers, and that they carry this project's label. Raises ``RefusedError``."""
    try:
        filters = dict(json.loads(text or "{}"))
        labels = filters.get("label") or []
    except (ValueError, TypeError) as error:
        raise RefusedError(f"the filters are no JSON object ({error})") from error
    if isinstance(labels, Mapping):  # the older of the two forms
        labels = [label for label, wanted in labels.items() if wanted]
    return json.dumps(filters | {"label": [*labels, ROLE]})


def is_ours(facts: Mapping[str, Any]) -> bool:
    """Whether an inspected container is one of this project's."""
    return ROLE in ((facts.get("Config") or {}).get("Labels") or {})


def _repository(reference: str) -> str:
    """An image's name without tag and digest."""
    folder, slash, last = reference.partition("@")[0].rpartition("/")
    return f"{folder}{slash}{last.partition(':')[0]}"


def _check_mount(mount: _Mount, policy: Policy) -> None:
    source = Path(mount.source)
    if not source.is_absolute() or os.path.realpath(source) != mount.source:
        raise RefusedError(f"{mount.source} is no plain path, or one that leads elsewhere")
    if source.is_relative_to(policy.data) or (source == policy.models and mount.read_only):
        return
    raise RefusedError(f"{mount.source} is not below {policy.data}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object none of whose names comes twice: engines and libraries differ in which of them counts."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")
    return found


def _given(body: dict[str, Any]) -> dict[str, Any]:
    """A body without what clients send as "not given"."""
    given = {name: value for name, value in body.items() if value}
    if isinstance(host := given.get("HostConfig"), dict):
        given["HostConfig"] = {name: value for name, value in host.items() if value}
    return given
