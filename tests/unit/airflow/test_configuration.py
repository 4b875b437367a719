"""airflow.cfg holds what differs from Airflow's defaults, each with its reason."""

import configparser
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

READ_DEFAULTS = """
import json, sys
from airflow.configuration import conf
given = json.load(sys.stdin)
print("RESULT" + json.dumps({
    f"{section}.{name}": [conf.has_option(section, name), conf.get_default_value(section, name)]
    for section, names in given.items() for name in names
}))
"""


@pytest.fixture(scope="module")
def options():
    parser = configparser.RawConfigParser()
    parser.read(ROOT / "airflow.cfg")
    return {section: dict(parser.items(section)) for section in parser.sections()}


def test_every_option_exists_and_differs_from_its_default(options, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", READ_DEFAULTS], input=json.dumps(options), text=True, capture_output=True, check=False,
        env=os.environ | {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW_CONFIG": str(ROOT / "airflow.cfg")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    defaults = json.loads(done.stdout.split("RESULT", 1)[1])
    assert len(defaults) > 8
    for section, names in options.items():
        for name, value in names.items():
            exists, default = defaults[f"{section}.{name}"]
            assert exists, (section, name)
            assert value != default, (section, name)


def test_every_option_says_why(options):
    lines = (ROOT / "airflow.cfg").read_text().splitlines()
    for names in options.values():
        for name in names:
            (index,) = [number for number, line in enumerate(lines) if line.startswith(f"{name} =")]
            above = lines[index - 1] if name != "simple_auth_manager_users" else lines[index - 2]
            assert above.startswith("# "), name
