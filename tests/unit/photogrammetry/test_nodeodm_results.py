import json
import zipfile

import pytest
import rasterio

from aerodag.errors import EngineError, InfrastructureError
from cases.nodeodm import IMAGES, ended, jobs_on, order_of, packed
from servers.nodeodm_node import FAILED, Scenario


def test_a_download_goes_on_where_it_was_cut(node, project, tree):
    jobs = jobs_on(node)
    job = jobs.submit(order_of(project))
    ended(jobs, job)
    node.faults.cut_downloads = 2
    jobs.fetch(job, project)
    ortho = project / "odm_orthophoto" / "odm_orthophoto.tif"
    with rasterio.open(ortho) as image:
        assert image.crs.to_epsg() == 32633
        assert image.checksum(1) > 0
    before = len(node.requests)
    jobs.fetch(job, project)
    assert len(node.requests) == before
    assert {file.name for file in project.parent.iterdir()} == {
        ".aerodag-d1-r7-t2.upload",
        f".{job}.fetched",
        "project",
    }


def test_a_download_that_never_comes_to_its_end_can_be_gone_on_with(node, project):
    jobs = jobs_on(node)
    job = jobs.submit(order_of(project))
    ended(jobs, job)
    node.faults.cut_downloads = 99
    with pytest.raises(InfrastructureError, match=r"engine\.unreachable"):
        jobs.fetch(job, project)
    node.faults.cut_downloads = 0
    jobs.fetch(job, project)
    assert (project / "odm_orthophoto" / "odm_orthophoto.tif").is_file()


def finished(node, project, content):
    node.scenario = Scenario(results=content)
    jobs = jobs_on(node)
    job = jobs.submit(order_of(project))
    ended(jobs, job)
    return jobs, job


def test_only_results_are_taken_from_the_archive(node, project, tree):
    extra = {"images/DJI_0000.JPG": b"not yours", "geo.txt": b"neither", ".bashrc": b"nor this"}
    jobs, job = finished(node, project, packed(tree | extra))
    geo = (project / "geo.txt").read_bytes()
    jobs.fetch(job, project)
    assert (project / "images" / "DJI_0000.JPG").read_bytes() == IMAGES["DJI_0000.JPG"]
    assert (project / "geo.txt").read_bytes() == geo
    assert not (project / ".bashrc").exists()


@pytest.mark.parametrize(
    "name", ["../evil.txt", "odm_report/../../evil.txt", "/odm_report/evil", "odm_report\\..\\evil"]
)
def test_names_that_lead_out_are_refused(node, project, tree, name):
    # Backslashes as a hostile server writes them; zipfile itself would turn them round.
    content = packed(tree | {name.replace("\\", "/"): b"evil"}).replace(name.replace("\\", "/").encode(), name.encode())
    jobs, job = finished(node, project, content)
    with pytest.raises(EngineError, match=r"engine\.archive_unsafe"):
        jobs.fetch(job, project)
    assert not (project / "odm_orthophoto").exists()
    assert not (project.parent / "evil.txt").exists()


def test_links_in_the_archive_are_refused(node, project, tree):
    link = zipfile.ZipInfo("odm_report/link")
    link.external_attr = 0o120777 << 16
    jobs, job = finished(node, project, packed(tree | {link: "/etc"}))
    with pytest.raises(EngineError, match=r"engine\.archive_unsafe"):
        jobs.fetch(job, project)


def test_a_damaged_archive_is_downloaded_again(node, project, tree):
    content = bytearray(packed(tree))
    content[2000] ^= 255
    jobs, job = finished(node, project, bytes(content))
    with pytest.raises(InfrastructureError, match=r"engine\.archive_damaged"):
        jobs.fetch(job, project)
    (node.tasks[job].folder / "all.zip").write_bytes(packed(tree))
    jobs.fetch(job, project)
    assert (project / "odm_orthophoto/odm_orthophoto.tif").read_bytes() == tree["odm_orthophoto/odm_orthophoto.tif"]


def test_completed_without_an_orthophoto_is_a_failure(node, project):
    jobs, job = finished(node, project, packed({"images.json": json.dumps([])}))
    with pytest.raises(EngineError, match=r"engine\.no_orthophoto"):
        jobs.fetch(job, project)
    assert node.tasks[job].status["code"] != FAILED
