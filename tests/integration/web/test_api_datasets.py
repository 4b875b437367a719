"""What the API tells of datasets and runs, on a real API server."""

from __future__ import annotations

from datetime import datetime

import pytest

from samples.gallery import add_dataset, add_run

pytestmark = pytest.mark.e2e


def ask(server, path, user="olga"):
    answer = server.get(user, path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_list_is_paged_by_its_cursor(server, surveys):
    everything = [item["id"] for item in ask(server, "/api/datasets?limit=200")["items"]]
    seen, path = [], "/api/datasets?limit=2"
    while True:
        page = ask(server, path)
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        path = f"/api/datasets?limit=2&cursor={page['next']}"
    assert seen == everything == sorted(everything, reverse=True)


def test_an_item_is_complete(server, surveys):
    survey = surveys["public"]
    (item,) = ask(server, "/api/datasets?search=public%20FLIGHT&state=succeeded&upload_type=raw_images_zip")["items"]
    assert item["id"] == survey.dataset.id
    assert item["dag_run_id"] == "public_2"
    assert (item["images"], item["images_used"], item["rtk_fix_share"]) == (41, 40, pytest.approx(20 / 41))
    assert item["gsd_cm"] == pytest.approx(5, rel=0.01)
    assert item["area_m2"] == pytest.approx(65**2 * 0.16 * 3.1416, rel=0.02)
    assert item["thumbnail"].startswith(f"/aerodag/api/datasets/{item['id']}/thumbnail")
    west, south, east, north = item["bbox"]
    assert -93 < west < east < -91
    assert 46 < south < north < 47
    assert item["created_at"].endswith("Z")
    assert datetime.fromisoformat(item["created_at"])


def test_a_dataset_has_its_runs_and_versions(server, surveys):
    detail = ask(server, f"/api/datasets/{surveys['public'].dataset.id}")
    assert [run["dag_run_id"] for run in detail["runs"]] == ["public_2", "public_1"]
    assert [version["current"] for version in detail["versions"]] == [True, False]
    assert all(run["has_report"] for run in detail["runs"])
    assert {product["kind"] for product in detail["runs"][0]["files"]} == {"preflight"}
    assert (detail["runs"][0]["include_images"], detail["runs"][0]["exclude_images"]) == ([], [])
    products = {(one["kind"], one["name"]): one for one in detail["versions"][0]["products"]}
    assert ("preflight", "") not in products
    cog = products["cog", ""]
    assert cog["tiles"] == f"/aerodag/api/artifacts/{cog['artifact_id']}/tiles/{{z}}/{{x}}/{{y}}.webp"
    assert cog["download"] == f"/aerodag/api/artifacts/{cog['artifact_id']}/file"
    assert (cog["crs"], cog["current"]) == ("EPSG:32615", True)
    assert products["orthophoto", ""]["tiles"] is None
    assert detail["content_sha256"] == surveys["public"].dataset.content_sha256


def test_a_run_has_the_products_that_its_version_has(server, surveys):
    (version, *_) = ask(server, f"/api/datasets/{surveys['public'].dataset.id}")["versions"]
    told = ask(server, "/api/runs/public_2")
    assert [one for one in told["products"] if one["kind"] != "preflight"] == version["products"]
    assert told == ask(server, f"/api/datasets/{surveys['public'].dataset.id}/run")


def test_a_timeline_has_the_order_of_the_pipeline_and_all_tries(server, failed):
    told = ask(server, f"/api/runs/{failed.dag_run_id}/timeline")
    assert [one["name"] for one in told["steps"]] == ["stage", "odm"]
    odm = told["steps"][1]
    assert (odm["state"], odm["duration_s"]) == ("failed", 180.0)
    assert [(one["try_number"], one["state"], one["code"]) for one in odm["tries"]] == [
        (1, "retrying", "odm.out_of_memory"),
        (2, "failed", "odm.out_of_memory"),
    ]
    assert [stage["name"] for stage in told["stages"]] == ["opensfm"]
    (item,) = ask(server, "/api/datasets?search=failed.zip")["items"]
    assert (item["code"], item["advice"]) == ("odm.out_of_memory", "Use fewer images.")


def test_findings_and_checks(server, surveys):
    (finding,) = ask(server, "/api/runs/public_1/findings")
    assert finding == {
        "severity": "warning",
        "code": "image.blurred",
        "image": "DCIM/blurred.JPG",
        "message": "It is blurred.",
        "advice": "Fly slower.",
        "numbers": {"n": 1},
    }
    checks = ask(server, "/api/runs/public_1/checks")
    assert {check["group"] for check in checks} >= {"images", "gps"}
    assert {check["verdict"] for check in checks} <= {"pass", "warn", "fail", "unknown"}


def test_the_report_is_a_page_without_an_origin(server, surveys):
    answer = server.get("anna", "/api/runs/public_1/report")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("sandbox allow-scripts;")
    assert "<title>report</title>" in answer.text
    assert server.get("anna", "/api/runs/asked_1/report").status_code == 404


def test_a_review_tells_what_is_asked(server, asked, surveys):
    told = ask(server, "/api/runs/asked_1/review")
    assert (told["question"], told["answer"], told["default_answer"]) == ("Go on?", None, "Accept")
    assert told["expires_at"] > told["asked_at"]
    (item,) = ask(server, "/api/datasets?search=asked.zip")["items"]
    assert (item["waits_for_review"], item["step"]) == (True, "review")
    assert server.get("olga", "/api/runs/public_1/review").status_code == 404


def test_exposures_are_geojson(server, surveys):
    told = ask(server, f"/api/datasets/{surveys['public'].dataset.id}/exposures")
    assert told["type"] == "FeatureCollection"
    assert len(told["features"]) == 41
    assert {feature["properties"]["status"] for feature in told["features"]} == {"assigned", "rejected"}
    assert {feature["properties"]["rtk"] for feature in told["features"]} == {"fix", "single", None}


def test_the_map_opens_on_the_data(server, surveys):
    told = ask(server, "/api/map?bbox=-180,-90,180,90&zoom=1")
    assert told["clustered"] is False
    west, south, east, north = told["bbox"]
    assert -93 < west < east < -91
    names = {feature["properties"]["name"] for feature in told["features"]}
    assert names >= {"public flight.zip", "viewonly flight.zip", "private flight.zip"}
    near = ask(server, f"/api/map?bbox={west},{south},{east},{north}&zoom=18&search=public")
    assert [feature["properties"]["name"] for feature in near["features"]] == ["public flight.zip"]
    assert ask(server, "/api/map?bbox=0,0,1,1&zoom=9")["features"] == []


def test_statistics_follow_what_happens(server, surveys):
    before = ask(server, "/api/statistics")
    add_run(server.conn, add_dataset(server.conn, "counted.zip"), "failed")
    after = ask(server, "/api/statistics")
    assert after["datasets"] == before["datasets"] + 1
    assert after["by_state"]["failed"] == before["by_state"].get("failed", 0) + 1
    assert after["success_rate_7d"] < before["success_rate_7d"]
    assert len(after["datasets_per_day"]) == 30


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/datasets?cursor=nonsense", 400),
        ("/api/datasets?cursor=MjAyNi0xMS0yMQ", 400),
        ("/api/datasets?limit=0", 422),
        ("/api/datasets?limit=201", 422),
        ("/api/datasets?state=dancing", 422),
        ("/api/datasets/0", 422),
        ("/api/datasets/99999999999999999999", 422),
        ("/api/datasets/9223372036854775807", 404),
        ("/api/datasets/x", 422),
        ("/api/runs/unknown", 404),
        ("/api/runs/%00", 404),
        ("/api/runs/unknown/timeline", 404),
        ("/api/map?bbox=1,2,3&zoom=1", 400),
        ("/api/map?bbox=a,b,c,d&zoom=1", 400),
        ("/api/map?bbox=nan,0,1,1&zoom=1", 400),
        ("/api/map?bbox=0,inf,1,1&zoom=1", 400),
        ("/api/map?bbox=0,9,1,1&zoom=1", 400),
        ("/api/map?bbox=0,0,1,1&zoom=99", 422),
        ("/api/map?zoom=1", 422),
    ],
)
def test_nonsense_is_refused_with_a_sentence(server, surveys, path, code):
    answer = server.get("olga", path)
    assert answer.status_code == code, answer.text
    assert answer.json()["detail"]


def test_the_schema_describes_every_route(server):
    schema = ask(server, "/openapi.json", "anna")
    operations = [(path, method, one) for path, item in schema["paths"].items() for method, one in item.items()]
    assert len(operations) >= 18
    for path, method, operation in operations:
        assert operation.get("summary"), (path, method)
        assert operation.get("description"), (path, method)
        assert operation.get("tags"), (path, method)
        assert {"401", "403"} <= set(operation["responses"]), (path, method)
