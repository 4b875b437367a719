"""What is kept of a run for those who look into it later."""

import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerodag.photogrammetry.jobs import Ending, Order, Ticket
from aerodag.photogrammetry.odm.judging.forensics import bundle, dumps
from aerodag.photogrammetry.odm.watching.log import Watcher


@pytest.fixture
def watcher():
    watcher = Watcher()
    for line in ("[INFO]    Running dataset stage", "[INFO]    Found 18 usable images", "[ERROR]   no"):
        watcher.hear(line, datetime(2026, 7, 1, tzinfo=UTC))
    return watcher


def test_everything_known_is_in_it(tmp_path, watcher):
    (tmp_path / "benchmark.txt").write_text("dataset runtime: 2.5 seconds\n")
    stages = [{"name": "dataset", "messages": [{"message": "m" * 5000, "type": "info"}] * 2000}]
    (tmp_path / "log.json").write_text(json.dumps({"odmVersion": "3.5.6", "stages": stages, "unheard": 1}))
    (tmp_path / "options.json").write_text(json.dumps({"dsm": True}))
    order = Order(
        ticket=Ticket(1, 2, 3),
        project=tmp_path,
        arguments=["--dsm"],
        environment={"no_ansiesc": "1", "API_TOKEN": "hush"},
    )
    ending = Ending(137, True, "killed", details={"State": {"OOMKilled": True, "load": math.nan}})
    content = json.loads(dumps(bundle(tmp_path, ending, watcher, order, {"preset": "fast"}, "timeout")))
    assert content["ending"]["exit_code"] == 137
    assert content["ending"]["details"]["State"] == {"OOMKilled": True, "load": None}
    assert content["order"]["arguments"] == ["--dsm"]
    assert content["order"]["environment"] == {"no_ansiesc": "1", "API_TOKEN": "***"}
    assert content["plan"] == {"preset": "fast"}
    assert content["stages"][0]["started_at"] == "2026-07-01T00:00:00+00:00"
    assert content["facts"]["usable_images"] == 18
    assert content["tail"][-1] == "[ERROR]   no"
    assert content["benchmark"] == {"dataset": 2.5}
    assert content["options_json"] == {"dsm": True}
    assert set(content["log_json"]) == {"odmVersion", "stages"}
    assert len(content["log_json"]["stages"][0]["messages"]) == 501
    assert len(json.dumps(content)) < 2_000_000


@pytest.mark.parametrize("text", ["", "{", "[1]", "[" * 100_000, '{"odmVersion": NaN, "stages": 1e999}'])
def test_a_log_that_is_cut_or_odd_does_not_matter(tmp_path, watcher, text):
    (tmp_path / "log.json").write_text(text)
    assert json.loads(dumps(bundle(tmp_path, None, watcher)))["ending"] is None


values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.binary(max_size=5) | st.datetimes(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.fuzz
@given(st.dictionaries(st.text(max_size=5), values, max_size=4), st.text(max_size=3000))
def test_any_details_become_json_that_a_database_takes(tmp_path_factory, details, message):
    folder = tmp_path_factory.getbasetemp()
    text = dumps(bundle(folder, Ending(1, message=message, details=details), Watcher()))
    assert "\\u0000" not in text
    json.loads(text)
