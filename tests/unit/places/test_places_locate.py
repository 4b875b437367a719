"""Country, administrative areas and nearest place of points whose answers are known."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import example, given
from hypothesis import strategies as st
from pyogrio import raw

from aerodag.errors import DataError
from aerodag.places.gazetteer import nearest
from aerodag.places.locate import MAX_PLACE_M, locate
from aerodag.places.territories import countries_at

BORDERS = {
    "Basel, Switzerland": (7.5886, 47.5596, "CH"),
    "Weil am Rhein": (7.6200, 47.5950, "DE"),
    "Saint-Louis": (7.5600, 47.5900, "FR"),
    "Strasbourg": (7.7520, 48.5730, "FR"),
    "Kehl": (7.8150, 48.5730, "DE"),
    "Baarle-Hertog, a Belgian enclave": (4.9297, 51.4417, "BE"),
    "Baarle-Nassau around it": (4.9180, 51.4440, "NL"),
    "El Paso": (-106.4850, 31.7610, "US"),
    "Ciudad Juárez": (-106.4850, 31.7350, "MX"),
    "Büsingen, a German exclave": (8.6900, 47.6970, "DE"),
    "Campione d'Italia": (8.9710, 45.9700, "IT"),
    "Vaduz": (9.5210, 47.1410, "LI"),
    "Vatican City": (12.4534, 41.9029, "VA"),
    "Monaco": (7.4200, 43.7380, "MC"),
    "Rome, beside it": (12.4700, 41.9029, "IT"),
    "Singapore": (103.8500, 1.2900, "SG"),
    "Johor Bahru": (103.7500, 1.4900, "MY"),
    "Kinshasa": (15.3136, -4.3317, "CD"),
    "Brazzaville": (15.2429, -4.2634, "CG"),
    "Victoria Falls": (25.8300, -17.9300, "ZW"),
    "Livingstone": (25.8600, -17.8500, "ZM"),
    "Niagara Falls, Ontario": (-79.0850, 43.0900, "CA"),
    "Niagara Falls, New York": (-79.0400, 43.0950, "US"),
}
TERRITORIES = {
    "Hong Kong": (114.1700, 22.3000, "HK"),
    "Macau": (113.5439, 22.1987, "MO"),
    "Nuuk": (-51.7400, 64.1800, "GL"),
    "Tórshavn": (-6.7700, 62.0100, "FO"),
    "Longyearbyen": (15.6400, 78.2200, "SJ"),
    "Saint-Denis, Réunion": (55.4500, -20.8800, "RE"),
    "Hamilton, Bermuda": (-64.7830, 32.2940, "BM"),
    "Adamstown, Pitcairn": (-130.1000, -25.0700, "PN"),
    "San Juan": (-66.1000, 18.4500, "PR"),
    "Stanley": (-57.8500, -51.7000, "FK"),
    "Easter Island": (-109.4300, -27.1500, "CL"),
    "Tristan da Cunha": (-12.3000, -37.0700, "SH"),
    "Honolulu": (-157.8600, 21.3100, "US"),
    "Taveuni, west of the antimeridian": (179.9900, -16.8000, "FJ"),
    "Taveuni, east of it": (-179.9900, -16.8300, "FJ"),
    "Uelen": (-169.8100, 66.1600, "RU"),
}
SHARED_ZONES = {
    "Hanoi": (105.8500, 21.0300, "VN"),
    "Bangkok": (100.5000, 13.7500, "TH"),
    "Ho Chi Minh City": (106.7000, 10.7800, "VN"),
    "Vientiane": (102.6000, 17.9700, "LA"),
    "Pristina": (21.1660, 42.6600, "XK"),
    "Niš": (21.9000, 43.3200, "RS"),
    "Ramallah": (35.2000, 31.9000, "PS"),
    "Tel Aviv": (34.7800, 32.0800, "IL"),
}


@pytest.mark.parametrize(
    ("longitude", "latitude", "code"),
    [pytest.param(*point, id=name) for name, point in (BORDERS | TERRITORIES | SHARED_ZONES).items()],
)
def test_the_country_is_right_beside_its_borders(longitude: float, latitude: float, code: str) -> None:
    place = locate(longitude, latitude)
    assert place.country_code == code
    assert place.country
    assert "OpenStreetMap" in place.sources["country"]


def test_a_place_comes_with_its_areas_distance_and_licences() -> None:
    place = locate(7.6200, 47.5950)
    assert (place.country, place.country_code3) == ("Germany", "DEU")
    assert (place.admin1, place.nearest_place) == ("Baden-Württemberg", "Weil am Rhein")
    assert place.distance_m == pytest.approx(200, abs=50)
    assert "CC BY 4.0" in place.sources["nearest_place"]
    assert "198 m" in place.sources["admin1"]


def test_the_nearest_place_is_one_of_the_same_country() -> None:
    across, place = nearest(7.5886, 47.5860), locate(7.5886, 47.5860)
    assert across is not None
    assert across.country_code != "CH"
    assert (place.country_code, place.nearest_place) == ("CH", "Basel")


def test_a_country_told_by_the_nearest_place_says_so() -> None:
    assert "told apart from TH and VN by the nearest place" in locate(105.85, 21.03).sources["country"]
    assert "told apart" not in locate(7.5886, 47.5596).sources["country"]


@pytest.mark.parametrize(("longitude", "latitude"), [(-30.0, 0.0), (0.0, 90.0), (180.0, 10.0), (-180.0, 10.0)])
def test_the_open_sea_is_in_no_country(longitude: float, latitude: float) -> None:
    place = locate(longitude, latitude)
    assert (place.country, place.country_code, place.admin1, place.nearest_place, place.distance_m) == (None,) * 5
    assert set(place.reasons) == {"country", "admin1", "admin2", "admin3", "nearest_place"}


def test_coastal_waters_belong_to_the_country_but_the_sea_beyond_keeps_the_nearest_place() -> None:
    near, beyond = locate(6.40, 53.55), locate(6.30, 54.00)
    assert near.country_code == "NL"
    assert beyond.country is None
    assert beyond.nearest_place is not None
    assert beyond.admin1 is None


@pytest.mark.parametrize(("longitude", "latitude"), [(0.0, -90.0), (166.67, -77.85), (30.0, -80.0), (-63.0, -64.8)])
def test_south_of_sixty_degrees_is_antarctica(longitude: float, latitude: float) -> None:
    place = locate(longitude, latitude)
    assert (place.country, place.country_code3) == ("Antarctica", "ATA")


@pytest.mark.parametrize(
    ("name", "longitude", "latitude"),
    [
        ("Crimea", 34.10, 44.95), ("Golan Heights", 35.80, 33.00), ("Northern Cyprus", 33.36, 35.25),
        ("Abyei", 28.40, 9.60), ("Aksai Chin", 79.50, 35.20), ("Kashmir", 74.80, 34.08), ("Akrotiri", 32.96, 34.60),
        ("Western Sahara", -13.20, 27.15), ("Transnistria", 29.60, 46.84), ("Somaliland", 44.06, 9.56),
        ("Paracel Islands", 112.34, 16.83), ("Bir Tawil", 33.70, 21.87), ("Liberland", 18.88, 45.77),
    ],
)  # fmt: skip
def test_a_disputed_area_gets_one_answer_or_a_reason(name: str, longitude: float, latitude: float) -> None:
    place = locate(longitude, latitude)
    assert place.country is not None or place.reasons["country"], name


def test_near_a_border_of_areas_both_are_named_instead_of_one_guessed() -> None:
    place = locate(105.8500, 21.0300)
    assert place.admin2 is None
    assert "Hoàn Kiếm" in place.reasons["admin2"]
    assert "Hai Bà Trưng" in place.reasons["admin2"]


@pytest.mark.parametrize(
    ("longitude", "latitude"), [(180.5, 0.0), (0.0, 90.1), (math.nan, 0.0), (0.0, math.inf), (500_000.0, 5_200_000.0)]
)
def test_what_is_no_point_on_earth_is_refused(longitude: float, latitude: float) -> None:
    with pytest.raises(DataError) as refused:
        locate(longitude, latitude)
    assert refused.value.code == "places.off_the_globe"


@pytest.mark.fuzz
@given(st.floats(-180, 180), st.floats(-90, 90))
@example(180.0, 90.0)
@example(-180.0, -90.0)
@example(180.0, 0.0)
@example(-0.0, 5e-324)
def test_every_point_on_earth_has_an_answer(longitude: float, latitude: float) -> None:
    place = locate(longitude, latitude)
    for name in ("country", "admin1", "admin2", "admin3", "nearest_place"):
        assert (getattr(place, name) is None) == (name in place.reasons)
        assert (getattr(place, name) is None) != (name in place.sources)
    assert place.distance_m is None or 0 <= place.distance_m <= MAX_PLACE_M


def test_countries_agree_with_another_map_away_from_its_borders() -> None:
    """Natural Earth at 1:110 million, which the vector reader ships for its own tests."""
    path = Path(pyogrio.__file__).parent / "tests/fixtures/naturalearth_lowres/naturalearth_lowres.shp"
    meta, _, shapes, columns = raw.read(path)
    codes = columns[list(meta["fields"]).index("iso_a3")]
    polygons = shapely.from_wkb(shapes)
    inland = shapely.buffer(polygons, -1.0)
    generator = np.random.default_rng(7)
    points = shapely.points(generator.uniform(-180, 180, 6000), generator.uniform(-59, 80, 6000))
    inside, country = shapely.STRtree(inland).query(points, predicate="within")
    known = codes[country] != "-99"
    found = [locate(point.x, point.y).country_code3 for point in points[inside[known]]]
    agreed = np.mean([mine == other for mine, other in zip(found, codes[country[known]], strict=True)])
    assert len(found) > 1000
    assert agreed > 0.99


def test_countries_agree_with_the_nearest_place_away_from_borders() -> None:
    """Two sources that know nothing of each other: polygons by OpenStreetMap, points by GeoNames."""
    generator = np.random.default_rng(11)
    agreed, compared = 0, 0
    for longitude, latitude in zip(generator.uniform(-180, 180, 800), generator.uniform(-55, 75, 800), strict=True):
        codes = countries_at(longitude, latitude)
        place = nearest(longitude, latitude) if codes else None
        if place is not None and place.distance_m < 30_000:
            compared += 1
            agreed += place.country_code in codes
    assert compared > 60
    assert agreed / compared > 0.95
