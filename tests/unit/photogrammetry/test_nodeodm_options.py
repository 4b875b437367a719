import json
from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerodag.errors import ConfigError
from aerodag.photogrammetry.nodeodm.journal import Journal
from aerodag.photogrammetry.nodeodm.options import check_options, split_arguments

NAMES = st.text("dsmpx", min_size=1, max_size=12)
VALUES = st.text(min_size=1).filter(lambda value: not value.startswith("--"))


@pytest.mark.fuzz
@given(st.dictionaries(NAMES, st.one_of(st.just(True), VALUES)))
def test_options_come_back_from_a_command_line(tmp_path_factory, options):
    words = [word for name, value in options.items() for word in (f"--{name}", value) if word is not True]
    assert split_arguments(words, tmp_path_factory.getbasetemp()) == (options, {})


@pytest.mark.fuzz
@given(st.lists(VALUES | NAMES.map("--{}".format), max_size=2))
def test_words_begin_with_an_option_or_are_refused(tmp_path_factory, words):
    starts_plainly = not words or words[0].startswith("--")
    with nullcontext() if starts_plainly else pytest.raises(ConfigError, match=r"odm\.option_value"):
        options, _ = split_arguments(words, tmp_path_factory.getbasetemp() / "none")
        assert len(options) <= len(words)


def test_files_go_along_under_the_names_that_a_node_knows(tmp_path):
    for name in ("geo.txt", "points.txt", "groups.txt", "cloud.LAZ"):
        (tmp_path / name).write_text("x")
    (tmp_path / "cameras.json").write_text('{"v2": {}}')
    words = ["--gcp", "points.txt", "--split-image-groups", str(tmp_path / "groups.txt"), "--align", "cloud.LAZ"]
    options, files = split_arguments([*words, "--cameras", "cameras.json"], tmp_path)
    assert options == {"cameras": '{"v2":{}}'}
    assert files == {
        "geo.txt": tmp_path / "geo.txt",
        "gcp_list.txt": tmp_path / "points.txt",
        "image_groups.txt": tmp_path / "groups.txt",
        "align.laz": tmp_path / "cloud.LAZ",
    }


def test_negative_numbers_are_values(tmp_path):
    assert split_arguments(["--resize-to", "-1"], tmp_path)[0] == {"resize-to": "-1"}


def test_unknown_options_are_all_named():
    with pytest.raises(ConfigError) as caught:
        check_options({"dsm": True, "zoom": "2", "blur": True}, [{"name": "dsm", "type": "bool"}])
    assert caught.value.numbers == {"unknown": ["blur", "zoom"]}


def test_a_journal_outlives_its_process_and_a_torn_line(tmp_path):
    journal = Journal(tmp_path / "journal")
    journal.note("upload", "some-uuid")
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        journal.note("begun", name)
    journal.note("kept", "a.jpg")
    journal.note("unsent", "c.jpg")
    with journal.path.open("a") as out:
        out.write(json.dumps(["kept", "b.jpg"])[:-4])
    again = Journal(journal.path)
    assert again.uuid == "some-uuid"
    assert again.begun == {"a.jpg", "b.jpg"}
    assert again.doubtful == ["b.jpg"]
    again.forget()
    assert Journal(journal.path).begun == frozenset()
