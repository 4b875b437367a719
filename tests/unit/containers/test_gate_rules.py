"""The door to a Docker engine: which calls pass, and which containers it lets be made."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerodag.containers.gate import Policy
from aerodag.containers.gate.rules import RefusedError, check_image, checked_body, is_ours, kind_of, narrowed_filters
from aerodag.containers.spec import Bind, ContainerSpec, GpuAccess, create_options

USER = "1000:1000"
IMAGE, IMAGE_ID = "opendronemap/odm:3.5.6", "sha256:0123"


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    (tmp_path / "data" / "work" / "1").mkdir(parents=True)
    (tmp_path / "models").mkdir()
    return Policy(frozenset({IMAGE}), USER, tmp_path / "data", tmp_path / "models")


@pytest.fixture
def body(policy: Policy) -> Callable[..., dict[str, Any]]:
    """What docker-py sends for an engine of ours."""

    from docker import APIClient

    def made(**changes: object) -> dict[str, Any]:
        spec = {
            "name": "aerodag-d1-r1-t1",
            "image": IMAGE_ID,
            "entrypoint": ["python3", "/code/run.py"],
            "labels": {"aerodag.role": "engine"},
            "user": USER,
            "binds": [Bind(policy.data / "work" / "1")],
            "memory_bytes": 10**9,
            "seconds": 3600,
        }
        client = APIClient(base_url="tcp://localhost:1", version="1.41")
        options = create_options(client, ContainerSpec(**(spec | changes)))
        del options["name"], options["use_config_proxy"]
        return dict(client.create_container_config(**options))

    return made


def checked(body: object, policy: Policy) -> dict[str, Any]:
    passed, image = checked_body(json.dumps(body).encode(), policy)
    sent = dict(json.loads(passed))
    assert sent["Image"] == image
    return sent


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"image": IMAGE},
        {"image": "opendronemap/odm@sha256:0123"},
        {"gpus": GpuAccess(("all",))},
        {"gpus": GpuAccess(("0", "1"))},
        {"gpus": GpuAccess(("0",), "nvidia")},
        {"read_only_root": False, "network": "bridge", "tmpfs": {"/scratch": 10**6}, "cpus": 1.5, "pids": 100},
    ],
)
def test_what_an_engine_is_given_passes_unchanged(
    body: Callable[..., dict[str, Any]], policy: Policy, changes: dict[str, object]
) -> None:
    sent = body(**changes)

    passed = checked(sent, policy)

    assert passed["Image"] == sent["Image"]
    assert passed["HostConfig"] == {name: value for name, value in sent["HostConfig"].items() if value}
    assert passed["Entrypoint"] == sent["Entrypoint"]


@pytest.mark.parametrize(
    ("facts", "allowed"),
    [
        ({"RepoTags": [IMAGE]}, True),
        ({"RepoTags": ["opendronemap/odm:3.5.5"]}, True),
        ({"RepoTags": [], "RepoDigests": ["opendronemap/odm@sha256:00"]}, True),
        ({"RepoTags": ["busybox:latest"]}, False),
        ({"RepoTags": ["other/opendronemap/odm:3.5.6"]}, False),
        ({"RepoTags": ["registry:5000/odm:3.5.6"]}, False),
        ({"RepoTags": None, "RepoDigests": None}, False),
        ({}, False),
    ],
)
def test_images_of_the_engines_repository_are_engines(
    policy: Policy, facts: dict[str, object], *, allowed: bool
) -> None:
    if allowed:
        check_image(facts, policy)
    else:
        with pytest.raises(RefusedError, match="is none of"):
            check_image(facts, policy)


def test_models_may_be_read_and_not_written(body: Callable[..., dict[str, Any]], policy: Policy) -> None:
    assert policy.models is not None

    assert checked(body(binds=[Bind(policy.models, "/models", read_only=True)]), policy)
    with pytest.raises(RefusedError, match="is not below"):
        checked(body(binds=[Bind(policy.models, "/models")]), policy)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"image": "x/../../containers"}, "elsewhere|image"),
        ({"image": "x?y"}, "image"),
        ({"labels": {}}, "label"),
        ({"user": "0:0"}, "cap|user"),
        ({"user": ""}, "cap|user"),
        ({"user": "1000:998"}, "user"),
        ({"binds": [Bind(Path("/"))]}, "not below"),
        ({"binds": [Bind(Path("/var/run/docker.sock"))]}, "not below|elsewhere"),
        ({"network": "host"}, "network_mode|NetworkMode"),
        ({"network": "container:postgres"}, "network_mode|NetworkMode"),
    ],
)
def test_other_containers_are_refused(
    body: Callable[..., dict[str, Any]], policy: Policy, changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(RefusedError, match=f"(?i){reason}"):
        checked(body(**changes), policy)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Privileged", True),
        ("privileged", True),
        ("PRIVILEGED", True),
        ("CapAdd", ["SYS_ADMIN"]),
        ("Binds", ["/:/host"]),
        ("Devices", [{"PathOnHost": "/dev/sda"}]),
        ("PidMode", "host"),
        ("IpcMode", "host"),
        ("UsernsMode", "host"),
        ("CgroupParent", "/"),
        ("VolumesFrom", ["postgres"]),
        ("GroupAdd", ["998"]),
        ("Runtime", "other"),
        ("SecurityOpt", ["seccomp=unconfined"]),
        ("SecurityOpt", []),
        ("CapDrop", []),
        ("LogConfig", {"Type": "syslog", "Config": {}}),
        ("Mounts", [{"Type": "volume", "Source": "postgres", "Target": "/x"}]),
        ("OomScoreAdj", -1000),
        ("Sysctls", {"net.ipv4.ip_forward": "1"}),
    ],
)
def test_nothing_else_of_the_host_is_given(
    body: Callable[..., dict[str, Any]], policy: Policy, name: str, value: object
) -> None:
    sent = body()
    sent["HostConfig"][name] = value

    with pytest.raises(RefusedError):
        checked(sent, policy)


def test_a_link_out_of_the_data_root_is_no_way_out(body: Callable[..., dict[str, Any]], policy: Policy) -> None:
    (policy.data / "escape").symlink_to("/etc")

    with pytest.raises(RefusedError, match="elsewhere"):
        checked(body(binds=[Bind(policy.data / "escape")]), policy)
    with pytest.raises(RefusedError, match="elsewhere"):
        checked(body(binds=[Bind(policy.data / "work" / ".." / "..")]), policy)


def test_a_name_that_comes_twice_is_refused(body: Callable[..., dict[str, Any]], policy: Policy) -> None:
    text = json.dumps(body()).replace('"HostConfig":', '"HostConfig": {"Privileged": true}, "HostConfig":')

    with pytest.raises(RefusedError, match="twice"):
        checked_body(text.encode(), policy)


@pytest.mark.parametrize("text", ["", "[]", "null", "7", "{", '{"HostConfig": 3}', "[" * 100_000, "\xff"])
def test_nonsense_is_refused(policy: Policy, text: str) -> None:
    with pytest.raises(RefusedError):
        checked_body(text.encode("latin-1"), policy)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["HostConfig", "User", "Mounts", "x"]), inner)
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_other_json_passes(value: object) -> None:
    policy = Policy(frozenset({IMAGE}), USER, Path("/data"))

    with pytest.raises(RefusedError):
        checked_body(json.dumps(value).encode(), policy)


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        ("GET /_ping", "open"),
        ("HEAD /_ping", "open"),
        ("GET /info", "open"),
        ("GET /images/opendronemap/odm:3.5.6/json", "open"),
        ("GET /images/opendronemap/odm@sha256:00/json", "open"),
        ("GET /containers/json", "list"),
        ("POST /containers/create", "create"),
        ("GET /containers/aerodag-d1-r1-t1/logs", "own"),
        ("POST /containers/0123/stop", "own"),
        ("DELETE /containers/0123", "own"),
    ],
)
def test_the_calls_of_an_engine_run_pass(call: str, kind: str) -> None:
    assert kind_of(*call.split(" ", 1)) == kind


@pytest.mark.parametrize(
    "call",
    [
        "POST /containers/0123/exec",
        "POST /exec/0123/start",
        "GET /containers/0123/archive",
        "PUT /containers/0123/archive",
        "POST /containers/0123/update",
        "POST /containers/0123/attach",
        "GET /containers/0123/export",
        "POST /containers/prune",
        "POST /images/create",
        "POST /build",
        "GET /volumes",
        "POST /volumes/create",
        "POST /networks/create",
        "GET /secrets",
        "GET /events",
        "POST /auth",
        "GET /containers/../info",
        "GET /images/../../containers/0123/json",
        "GET /containers/0123/json/../../volumes",
        "GET //containers/json",
        "GET /v1.41/containers/json",
        "get /info",
        "GET /info\n",
    ],
)
def test_no_other_call_passes(call: str) -> None:
    with pytest.raises(RefusedError, match="not one of the calls"):
        kind_of(*call.split(" ", 1))


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (None, ["aerodag.role"]),
        ('{"status": ["running"]}', ["aerodag.role"]),
        ('{"label": ["aerodag.run=7"]}', ["aerodag.run=7", "aerodag.role"]),
        ('{"label": {"a": true, "b": false}}', ["a", "aerodag.role"]),
    ],
)
def test_lists_are_of_this_projects_containers(text: str | None, labels: list[str]) -> None:
    assert json.loads(narrowed_filters(text))["label"] == labels


@pytest.mark.parametrize("text", ["[", "7", '"label"'])
def test_filters_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(RefusedError):
        narrowed_filters(text)


def test_a_container_without_our_label_is_not_ours() -> None:
    assert is_ours({"Config": {"Labels": {"aerodag.role": "probe"}}})
    assert not is_ours({"Config": {"Labels": None}})
    assert not is_ours({})
