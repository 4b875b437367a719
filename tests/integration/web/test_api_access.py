"""Who is let in, and to what: Airflow's logins and roles on a real API server."""

from __future__ import annotations

import pytest

from systems.api_server import USERS

pytestmark = pytest.mark.e2e

EVERYBODY = tuple(USERS)


def paths(surveys, access):
    """All that a dataset of that access has."""
    survey = surveys[access]
    dataset, run, cog = survey.dataset.id, survey.run.dag_run_id, survey.id("cog")
    return [
        f"/api/datasets/{dataset}",
        f"/api/datasets/{dataset}/run",
        f"/api/datasets/{dataset}/exposures",
        f"/api/datasets/{dataset}/thumbnail",
        f"/api/runs/{run}",
        f"/api/runs/{run}/timeline",
        f"/api/runs/{run}/findings",
        f"/api/runs/{run}/checks",
        f"/api/runs/{run}/report",
        f"/api/artifacts/{cog}/tilejson.json",
        f"/api/artifacts/{cog}/tiles/0/0/0.webp",
        f"/api/artifacts/{cog}/file",
    ]


GENERAL = ("/api/me", "/api/datasets", "/api/map?bbox=-180,-90,180,90&zoom=1", "/api/statistics", "/openapi.json")


def test_strangers_get_nothing_but_the_empty_page(server, surveys):
    for path in [*GENERAL, *paths(surveys, "public"), "/api/datasets/0", "/api/nothing/0"]:
        answer = server.get(None, path)
        assert answer.status_code in ({401} if "nothing" not in path else {401, 404}), path
        assert "flight" not in answer.text
    assert server.get(None, "/datasets").status_code == 200
    assert server.get(None, "/").headers["location"] == "datasets"


def test_a_broken_token_is_refused(server, surveys):
    for headers in ({"Authorization": "Bearer nonsense"}, {"Cookie": "_token=nonsense"}):
        answer = server.get(None, "/api/datasets", headers=headers)
        assert answer.status_code in {401, 403}


def test_a_cookie_is_as_good_as_a_token(server, surveys):
    with server.browser("anna") as browser:
        assert browser.get("/api/me").json()["name"] == "anna"


def test_everybody_is_told_what_they_may_do(server):
    told = {user: server.get(user, "/api/me").json() for user in EVERYBODY}
    may = {user: (person["may_edit"], person["may_upload"]) for user, person in told.items()}
    assert may == {
        "anna": (False, False),
        "carl": (False, False),
        "ursula": (False, True),
        "olga": (True, True),
        "ada": (True, True),
    }
    assert all(told[user]["name"] == user for user in EVERYBODY)


@pytest.mark.parametrize("user", EVERYBODY)
def test_public_is_for_everybody(server, surveys, user):
    for path in paths(surveys, "public"):
        assert server.get(user, path).status_code == 200, path


@pytest.mark.parametrize("user", EVERYBODY)
def test_private_is_for_its_owner_and_operators(server, surveys, user):
    sees = user in {"anna", "olga", "ada"}
    for path in paths(surveys, "private"):
        assert server.get(user, path).status_code == (200 if sees else 404), path
    number = surveys["private"].dataset.id
    listed = [item["id"] for item in server.get(user, "/api/datasets?limit=200").json()["items"]]
    assert (number in listed) == sees
    drawn = server.get(user, "/api/map?bbox=-180,-90,180,90&zoom=1").json()["features"]
    assert (number in [feature["id"] for feature in drawn]) == sees
    counted = server.get(user, "/api/statistics").json()["datasets"]
    assert counted == len(listed)


@pytest.mark.parametrize("user", EVERYBODY)
def test_view_only_is_looked_at_and_not_taken(server, surveys, user):
    takes = user in {"anna", "olga", "ada"}
    for path in paths(surveys, "viewonly"):
        refused = path.endswith("/file") and not takes
        assert server.get(user, path).status_code == (403 if refused else 200), path
    detail = server.get(user, f"/api/datasets/{surveys['viewonly'].dataset.id}").json()
    products = [product for version in detail["versions"] for product in version["products"]]
    products += [product for run in detail["runs"] for product in run["files"]]
    products += server.get(user, f"/api/datasets/{surveys['viewonly'].dataset.id}/run").json()["products"]
    assert {product["download"] is not None for product in products} == {takes}


def test_answers_are_kept_from_caches_and_frames(server, surveys):
    headers = server.get("anna", "/api/datasets").headers
    assert headers["cache-control"] == "private, no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
