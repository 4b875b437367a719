"""The values for the Airflow chart, and the manifests beside it, as far as they can be checked without a cluster."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from aerodag.settings import Settings
from aerodag.storage.places import CLASSES

ROOT = Path(__file__).parents[3]
HELM = ROOT / "deploy" / "helm"
KEYS = ROOT / "tests" / "data" / "helm" / "chart_keys.txt"
# On Kubernetes, tasks take no room beside the scheduler, and people log in otherwise.
DIFFERENT = {("core", "parallelism"), ("core", "auth_manager"), ("core", "simple_auth_manager_users")}
SECRETS = {
    "aerodag-metadata", "aerodag-ledger", "aerodag-storage", "aerodag-nodeodm", "aerodag-fernet", "aerodag-api",
    "aerodag-jwt", "aerodag-admin", "aerodag-tls",
}  # fmt: skip
KUBERNETES = "1.33"


@pytest.fixture(scope="module")
def values():
    return yaml.safe_load((HELM / "values.yaml").read_text())


@pytest.fixture(scope="module")
def manifests():
    files = ("nodeodm.yaml", "monitoring.yaml")
    return [one for file in files for one in yaml.safe_load_all((HELM / file).read_text())]


def paths(node, above=""):
    if isinstance(node, dict) and node:
        for name, value in node.items():
            yield from paths(value, f"{above}.{name}" if above else name)
    elif isinstance(node, list) and any(isinstance(entry, dict) for entry in node):
        yield f"{above}.*"
    else:
        yield above


def test_every_value_is_one_of_the_chart_s(values):
    known = KEYS.read_text().split()
    branches = tuple(key.removesuffix("*") for key in known if key.endswith("*"))
    unknown = [path for path in paths(values) if path not in known and not path.startswith(branches)]
    assert unknown == []


def test_the_configuration_is_that_of_airflow_cfg(values):
    parser = configparser.RawConfigParser()
    parser.read(ROOT / "airflow.cfg")
    ours = {(section, name): value for section in parser.sections() for name, value in parser.items(section)}
    theirs = {(section, name): value for section, names in values["config"].items() for name, value in names.items()}
    for option in ours.keys() - DIFFERENT:
        assert str(theirs[option]) == ours[option], option
    assert theirs["core", "auth_manager"] == "aerodag.airflow.auth.fab.FabAuthManager"
    assert {section for section, _ in theirs.keys() - ours.keys()} == {"kubernetes_executor", "metrics"}


def test_pods_share_nothing_but_the_bucket(values, monkeypatch):
    for name in [name for name in os.environ if name.startswith("AERODAG_")]:
        monkeypatch.delenv(name)
    for entry in values["env"]:
        monkeypatch.setenv(entry["name"], entry["value"])
    for entry in values["secret"]:
        monkeypatch.setenv(entry["envName"], "given by a secret")
    settings = Settings()
    assert {getattr(settings.storage, name).partition("://")[0] for name in CLASSES} == {"s3"}
    assert settings.installation == "aerodag"
    assert settings.nodeodm.url == "http://nodeodm:3000"
    assert settings.pods.keys() == {"heavy", "odm"}
    scratch = values["workers"]["kubernetes"]["extraVolumes"][0]
    assert scratch == {"name": "scratch", "emptyDir": {}}
    assert str(settings.data) == values["workers"]["kubernetes"]["extraVolumeMounts"][0]["mountPath"]


def test_no_secret_stands_in_the_values(values):
    named = {entry["secretName"] for entry in values["secret"]}
    named |= {value for name, value in values.items() if name.endswith("SecretName")}
    named |= {values["data"]["metadataSecretName"], values["ingress"]["apiServer"]["hosts"][0]["tls"]["secretName"]}
    for entry in values["migrateDatabaseJob"]["env"]:
        named |= {entry["valueFrom"]["secretKeyRef"]["name"]} if "valueFrom" in entry else set()
    assert named == SECRETS


def test_every_secret_and_config_map_is_explained(manifests):
    told = (HELM / "README.md").read_text()
    mounted = {name for one in manifests for name in re.findall(r"'configMap': {'name': '([^']*)'", str(one))}
    assert mounted == {"statsd-mapping"}
    assert {name for name in SECRETS | mounted if f" {name} " not in told} == set()


def test_all_of_ours_is_one_image(values, manifests):
    image = values["images"]["airflow"]
    used = {name for one in manifests for name in re.findall(r"'(registry\.example\.org/[^']*)'", str(one))}
    assert used == {f"{image['repository']}:{image['tag']}"}


def test_a_queue_s_pod_gets_what_it_needs(values):
    pods = pytest.importorskip(
        "airflow.providers.cncf.kubernetes.pod_generator", reason="the provider is not installed"
    )
    settings = {entry["name"]: entry["value"] for entry in values["env"]}
    for queue, spec in yaml.safe_load(settings["AERODAG_PODS"]).items():
        override = pods.PodGenerator.deserialize_model_dict({"spec": spec})
        base = pods.PodGenerator.deserialize_model_dict(
            {"metadata": {"name": "base"}, "spec": {"containers": [{"name": "base", "image": "base"}]}}
        )
        pod = pods.PodGenerator.construct_pod(
            dag_id="process_dataset", task_id="cog", pod_id="cog", try_number=1, kube_image="aerodag:1", date=None,
            args=["run"], pod_override_object=override, base_worker_pod=base, namespace="aerodag", scheduler_job_id="1",
            run_id="first",
        )  # fmt: skip
        container = pod.spec.containers[0]
        assert (container.image, container.args) == ("aerodag:1", ["run"]), queue
        assert container.resources.limits["memory"] in {"4Gi", "8Gi"}, queue


def test_the_manifests_are_valid(manifests):
    validate = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    assert {(one["kind"], one["metadata"]["name"]) for one in manifests} == {
        ("Deployment", "nodeodm"), ("Service", "nodeodm"), ("PersistentVolumeClaim", "nodeodm-tasks"),
        ("PersistentVolumeClaim", "aerodag-uploads"), ("NetworkPolicy", "nodeodm"),
        ("Deployment", "statsd-exporter"), ("Service", "statsd-exporter"),
        ("Deployment", "exporter"), ("Service", "exporter"),
    }  # fmt: skip
    for manifest in manifests:
        validate.validate(manifest, KUBERNETES, strict=True)


def test_the_engine_gets_the_gpu_of_its_node_pool(manifests):
    deployment = next(one for one in manifests if (one["kind"], one["metadata"]["name"]) == ("Deployment", "nodeodm"))
    pod = deployment["spec"]["template"]["spec"]
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert pod["nodeSelector"]
    assert pod["tolerations"][0]["key"] == "nvidia.com/gpu"
    claims = {volume["persistentVolumeClaim"]["claimName"] for volume in pod["volumes"]}
    assert claims <= {one["metadata"]["name"] for one in manifests if one["kind"] == "PersistentVolumeClaim"}


@pytest.fixture(scope="module")
def rendered():
    """What Helm makes of the chart and our values: AERODAG_TEST_CHART names the chart's folder or archive."""
    chart = os.environ.get("AERODAG_TEST_CHART")
    helm = shutil.which("helm")
    if not chart or helm is None:
        pytest.skip("Helm or the chart is not here; AERODAG_TEST_CHART names the chart")
    done = subprocess.run(
        [str(helm), "template", "aerodag", chart, "--namespace", "aerodag", "--values", str(HELM / "values.yaml")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def test_the_chart_renders(rendered):
    validate = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    for manifest in rendered:
        validate.validate(manifest, KUBERNETES, strict=True)
    names = {one["metadata"]["name"] for one in rendered if one["kind"] == "Deployment"}
    assert names == {"aerodag-api-server", "aerodag-scheduler", "aerodag-dag-processor", "aerodag-triggerer"}


def test_our_image_has_all_that_the_chart_runs(rendered):
    said = yaml.safe_dump_all(rendered)
    assert [script for script in ("/entrypoint", "/clean-logs") if script in said] == []
    images = set(re.findall(r"^ *image: (.*)$", said, re.MULTILINE))
    assert images == {"registry.example.org/aerodag:0.1.0"}


def test_a_task_s_pod_has_room_of_its_own(rendered):
    (settings,) = [one["data"] for one in rendered if "pod_template_file.yaml" in one.get("data", {})]
    pod = yaml.safe_load(settings["pod_template_file.yaml"])["spec"]
    (container,) = pod["containers"]
    assert container["resources"]["limits"]["memory"] == "2Gi"
    assert {"mountPath": "/scratch", "name": "scratch"} in container["volumeMounts"]
    assert {"name": "scratch", "emptyDir": {}} in pod["volumes"]
    assert pod["terminationGracePeriodSeconds"] == 600
