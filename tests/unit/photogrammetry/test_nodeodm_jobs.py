import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from aerodag.errors import ConfigError, EngineError, InfrastructureError
from aerodag.photogrammetry.jobs import JobState, Ticket
from aerodag.photogrammetry.nodeodm_jobs import NodeOdmJobs
from aerodag.settings import NodeOdm
from cases.nodeodm import (
    ARGUMENTS,
    IMAGES,
    TOKEN,
    ended,
    jobs_on,
    order_of,
    read_until,
    whole,
)
from servers.nodeodm_node import COMPLETED, STAGES, Scenario


def test_a_job_from_submit_to_discard(node, project, tree):
    jobs = jobs_on(node)
    assert jobs.unavailable() is None
    job = jobs.submit(order_of(project, (*ARGUMENTS, "--boundary", str(project / "boundary.geojson"))))
    assert job == jobs.uuid_of(7, 2)
    assert whole(node, job)
    task = node.tasks[job]
    assert task.name == "aerodag-d1-r7-t2@test"
    assert task.body["skipPostProcessing"] == "true"
    assert "outputs" not in task.body
    assert {each["name"]: each["value"] for each in task.options} == {
        "dsm": True,
        "orthophoto-resolution": "2.4",
        "max-concurrency": "3",
        "boundary": '{"type":"FeatureCollection","features":[]}',
    }
    assert ended(jobs, job).percent == 100
    texts = [line.text for line in jobs.lines(job)]
    assert texts[0] == "[INFO]    Running dataset stage"
    assert len(texts) == 2 * len(STAGES)
    ending = jobs.ending(job)
    assert (ending.exit_code, ending.out_of_memory, ending.message) == (0, False, "")
    assert ending.finished_at >= ending.started_at
    jobs.fetch(job, project)
    assert {name: (project / name).read_bytes() for name in tree} == tree
    jobs.discard(job)
    jobs.discard(job)
    assert job not in node.tasks
    assert not task.folder.exists()
    assert jobs.look(job).state is JobState.GONE
    assert list(jobs.lines(job, after=3)) == []
    jobs.stop(job)
    with pytest.raises(EngineError, match=r"engine\.job_gone"):
        jobs.ending(job)


def test_the_same_ticket_starts_once(node, project):
    job = jobs_on(node).submit(order_of(project))
    before = len(node.requests)
    assert jobs_on(node).submit(order_of(project)) == job
    assert not any("upload" in each or "init" in each for each in node.requests[before:])
    assert len(node.tasks) == 1


@pytest.mark.parametrize("fault", [{"cut_uploads": 3}, {"failing_uploads": 3}, {"cut_uploads": 1}])
def test_files_that_were_cut_on_the_way_arrive_whole_and_once(node, project, fault):
    for name, times in fault.items():
        setattr(node.faults, name, times)
    job = jobs_on(node).submit(order_of(project))
    assert whole(node, job)


@pytest.mark.parametrize("journal", ["kept", "lost"])
def test_a_submit_that_died_half_way_is_gone_on_with(node, project, journal):
    node.faults.cut_uploads = 6
    with pytest.raises(InfrastructureError, match=r"engine\.unreachable"):
        jobs_on(node, owner="test").submit(order_of(project))
    node.faults.cut_uploads = 0
    assert not node.tasks
    note = project.parent / ".aerodag-d1-r7-t2.upload"
    arrived = [line for line in note.read_text().splitlines() if '"kept"' in line]
    if journal == "lost":
        note.unlink()
    before = len(node.requests)
    job = jobs_on(node).submit(order_of(project))
    assert whole(node, job)
    uploads = sum("/upload/" in each for each in node.requests[before:])
    assert sum("/commit/" in each for each in node.requests) == 1
    if journal == "kept":
        assert uploads <= len(IMAGES) + 2 - len(arrived) - 4


SUBMIT = """
import sys
from pathlib import Path
from cases.nodeodm import TOKEN, NodeOdm, NodeOdmJobs, order_of
endpoint = NodeOdm(url=sys.argv[1], token=TOKEN, parallel_uploads=4)
NodeOdmJobs(endpoint, owner="test").submit(order_of(Path(sys.argv[2])))
"""


def test_a_submit_that_is_killed_is_gone_on_with(node, project):
    node.upload_seconds = 0.15
    tests = str(Path(__file__).parents[2])
    process = subprocess.Popen([sys.executable, "-c", SUBMIT, node.url, str(project)], cwd=tests)
    deadline = time.monotonic() + 15
    while sum("/upload/" in each for each in node.requests) < 8:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.005)
    process.kill()
    process.wait()
    time.sleep(0.3)
    node.upload_seconds = 0.0
    assert not node.tasks
    job = jobs_on(node).submit(order_of(project))
    assert job == jobs_on(node).uuid_of(7, 2)
    assert whole(node, job)


def test_an_upload_that_the_node_forgot_starts_over(node, project):
    node.faults.cut_uploads = 6
    with pytest.raises(InfrastructureError):
        jobs_on(node).submit(order_of(project))
    node.faults.cut_uploads = 0
    for file in node.upload_folder(jobs_on(node).uuid_of(7, 2)).iterdir():
        file.unlink()
    assert whole(node, jobs_on(node).submit(order_of(project)))


def test_doubled_images_are_seen_and_sent_anew(node, project):
    wished = jobs_on(node).uuid_of(7, 2)
    folder = node.upload_folder(wished)
    folder.mkdir(parents=True)
    # Without the body of its init an upload cannot be seen, and lies in the way all the same.
    (folder / "DJI_0000.JPG").write_bytes(b"half")
    (folder / "OTHER.JPG").write_bytes(b"strange")
    node.scenario = Scenario(hold=threading.Event(), queued=0.5)
    assert whole(node, jobs_on(node).submit(order_of(project)))


def test_a_commit_whose_answer_is_lost_does_not_start_twice(node, project):
    node.faults.lost_commits = 1
    with pytest.raises(InfrastructureError, match=r"engine\.unreachable"):
        jobs_on(node).submit(order_of(project))
    assert jobs_on(node).submit(order_of(project)) == next(iter(node.tasks))
    assert len(node.tasks) == 1


@pytest.mark.parametrize("listing", [True, False])
def test_the_newest_attempt_of_a_run_is_found(node, project, listing):
    node.listing = listing
    jobs = jobs_on(node)
    assert jobs.find(7) is None
    tickets = [Ticket(1, 7, 1), Ticket(1, 7, 3), Ticket(1, 70, 4), Ticket(2, 8, 5)]
    submitted = [jobs.submit(order_of(project, ticket=ticket)) for ticket in tickets]
    assert jobs.find(7) == submitted[1]
    jobs.discard(submitted[1])
    assert jobs.find(7) == submitted[0]
    assert jobs_on(node, owner="another installation").find(7) is None


def test_a_cluster_that_gives_out_its_own_uuids(node, project):
    node.cluster = True
    job = jobs_on(node).submit(order_of(project))
    assert job != jobs_on(node).uuid_of(7, 2)
    assert jobs_on(node).submit(order_of(project)) == job
    (project.parent / ".aerodag-d1-r7-t2.upload").unlink()
    assert jobs_on(node).submit(order_of(project)) == job
    assert jobs_on(node).find(7) == job
    assert jobs_on(node).facts().cpu_cores is None
    jobs_on(node).discard(job)
    assert jobs_on(node).look(job).state is JobState.GONE


def test_lines_come_once_each_while_the_task_runs(node, project):
    lines = (*(f"line {number}" for number in range(60)), "error", "")
    node.scenario = Scenario(lines=lines, pause=0.003)
    jobs = jobs_on(node)
    job = jobs.submit(order_of(project))
    seen = []
    while jobs.look(job).state is JobState.RUNNING:
        seen += jobs.lines(job, after=len(seen))
    seen += jobs.lines(job, after=len(seen))
    assert [line.text for line in seen] == list(lines)
    assert [line.number for line in seen] == list(range(1, len(lines) + 1))
    assert list(jobs.lines(job, after=len(seen))) == []


@pytest.mark.parametrize("queued", [0.0, 0.2])
def test_a_restarted_node_begins_anew_and_is_followed_on(node, project, queued):
    first = [f"line {number}" for number in range(5)]
    again = [f"line {number} again" for number in range(7)]
    node.scenario = Scenario(lines=tuple(first), hold=threading.Event())
    jobs = jobs_on(node)
    job = jobs.submit(order_of(project))
    seen = []
    read_until(jobs, job, seen, 5)
    node.stop()
    with pytest.raises(InfrastructureError, match=r"engine\.unreachable"):
        jobs.look(job)
    node.tasks[job].scenario = Scenario(lines=tuple(again), queued=queued)
    node.start()
    assert jobs.find(7) == job
    read_until(jobs, job, seen, 12)
    assert [line.text for line in seen] == first + again
    assert [line.number for line in seen] == list(range(1, 13))
    assert [line.text for line in jobs.lines(job)] == again
    assert ended(jobs, job).percent == 100


def test_stop_ends_a_running_task_and_its_ending_says_so(node, project):
    node.scenario = Scenario(hold=threading.Event())
    jobs = jobs_on(node)
    job = jobs.submit(order_of(project))
    with pytest.raises(EngineError, match=r"engine\.job_runs"):
        jobs.ending(job)
    jobs.stop(job)
    jobs.stop(job)
    assert jobs.look(job).state is JobState.ENDED
    assert jobs.ending(job).exit_code is None
    assert jobs.ending(job).details["status"] == "canceled"
    jobs.fetch(job, project)
    assert not (project / "odm_orthophoto").exists()


def test_stopping_a_finished_task_leaves_its_results(node, project):
    jobs = jobs_on(node)
    job = jobs.submit(order_of(project))
    ended(jobs, job)
    jobs.stop(job)
    assert node.tasks[job].status["code"] == COMPLETED


@pytest.mark.parametrize(
    ("code", "last", "expected"),
    [
        (1, "[ERROR]   Not enough supported images in /images", 1),
        (139, "[ERROR]   Child returned 139", 139),
        (134, "Process exited with code 134", 134),
        (137, "Whoops! You ran out of memory!", 137),
        (132, "Oh no! It looks like your CPU is not supported", 132),
        (3, "ODM can't find a program that is required", 3),
        (2, "usage: run.py", 2),
    ],
)
def test_exit_codes_behind_the_words_of_the_node(node, project, code, last, expected):
    node.scenario = Scenario(lines=("[INFO]    Running dataset stage", last), exit_code=code)
    jobs = jobs_on(node)
    job = jobs.submit(order_of(project))
    ended(jobs, job)
    ending = jobs.ending(job)
    assert ending.exit_code == expected
    assert ending.out_of_memory == (expected == 137)
    assert ending.message == node.tasks[job].status["errorMessage"]


def test_options_are_checked_before_anything_is_sent(node, project):
    jobs = jobs_on(node)
    for arguments, code in [
        (("--dsm", "--pc-magic", "1"), "odm.option_unknown"),
        (("--orthophoto-resolution", "--dsm"), "odm.option_value"),
        (("--dsm", "yes please"), "odm.option_value"),
        (("--boundary", "nowhere.geojson"), "odm.option_value"),
        (("--boundary", "geo.txt"), "odm.option_value"),
        (("dsm",), "odm.option_value"),
    ]:
        with pytest.raises(ConfigError) as caught:
            jobs.submit(order_of(project, arguments))
        assert caught.value.code == code
    assert not any("/task/new" in each for each in node.requests)
    with pytest.raises(ConfigError, match=r"orthophoto-resolution: Invalid value -2"):
        jobs.submit(order_of(project, ("--orthophoto-resolution", "-2")))


def test_a_node_that_takes_fewer_images(node, project):
    node.max_images = 5
    with pytest.raises(ConfigError, match=r"engine\.node_limit") as caught:
        jobs_on(node).submit(order_of(project))
    assert caught.value.numbers == {"files": 14, "limit": 5}
    assert jobs_on(node).facts().max_images == 5


@pytest.mark.parametrize("cluster", [True, False])
def test_a_wrong_token_is_a_matter_of_settings(node, project, cluster):
    node.cluster = cluster
    jobs = NodeOdmJobs(NodeOdm(url=node.url, token="wrong"))
    with pytest.raises(ConfigError, match=r"engine\.unauthorised"):
        jobs.submit(order_of(project))
    assert "engine.unauthorised" in jobs.unavailable()


@pytest.mark.parametrize("words", ["Proxy redirect error: connect ECONNREFUSED", "exception", "No nodes available"])
def test_a_cluster_without_its_node_is_no_word_on_the_job(node, project, words):
    jobs = jobs_on(node)
    job = jobs.submit(order_of(project))
    node.answer_of_proxy = words
    for call in (lambda: jobs.look(job), lambda: jobs.ending(job), lambda: jobs.discard(job), lambda: jobs.find(7)):
        with pytest.raises(InfrastructureError, match=r"engine\.unreachable"):
            call()
    assert job in node.tasks


def test_a_node_that_is_not_there_is_no_word_on_the_job(node, project):
    jobs = jobs_on(node)
    job = jobs.submit(order_of(project))
    node.faults.failing_gets = 2
    assert jobs.look(job).state is not JobState.GONE
    node.stop()
    for call in (lambda: jobs.look(job), lambda: jobs.stop(job), lambda: list(jobs.lines(job)), lambda: jobs.find(7)):
        with pytest.raises(InfrastructureError) as caught:
            call()
        assert caught.value.code == "engine.unreachable"
        assert TOKEN not in str(caught.value)
        assert "s3cret" not in str(caught.value)
    assert "engine.unreachable" in jobs.unavailable()


def test_no_address_is_said_at_once():
    with pytest.raises(ConfigError, match=r"engine\.no_node"):
        NodeOdmJobs(NodeOdm())
