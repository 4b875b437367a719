"""Accuracy of positions: ODM is told what it cannot see, and nothing that makes it worse."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerodag.photogrammetry import geo
from aerodag.photogrammetry.odm.planning.positions import Telling, decide
from aerodag.rtk import CameraPosition

FIXED = CameraPosition(
    longitude=11.0, latitude=48.0, altitude=600.0, std_e_m=0.012, std_n_m=0.011, std_u_m=0.03, flag=50, source="xmp"
)
FLOAT = replace(FIXED, flag=34, std_e_m=0.5, std_n_m=0.4, std_u_m=0.9)
PLAIN = CameraPosition(longitude=11.0, latitude=48.0, altitude=600.0, source="exif")
MARK = replace(FIXED, source="mrk")
UPLOADED = replace(FIXED, source="geo", flag=None)
BARE = replace(PLAIN, source="geo")
NOWHERE = CameraPosition()


@pytest.mark.parametrize(
    ("positions", "telling", "lines", "accuracy"),
    [
        pytest.param([FIXED, FIXED], Telling.NOTHING, 0, None, id="XMP knows all, one kind"),
        pytest.param([FLOAT, FLOAT], Telling.NOTHING, 0, None, id="float that says so itself"),
        pytest.param([FIXED, FLOAT], Telling.GEO, 2, None, id="mixed kinds"),
        pytest.param([replace(FLOAT, std_e_m=0.02, std_n_m=0.02)] * 2, Telling.GEO, 2, None, id="float too sure"),
        pytest.param([MARK, MARK], Telling.GEO, 2, None, id="only the marks know"),
        pytest.param([MARK, PLAIN], Telling.GEO, 1, None, id="marks for some"),
        pytest.param([FIXED, PLAIN], Telling.NOTHING, 0, None, id="XMP for some"),
        pytest.param([FIXED, FLOAT, PLAIN], Telling.GEO, 2, None, id="mixed and unknown"),
        pytest.param([UPLOADED, PLAIN], Telling.GEO, 1, None, id="uploaded positions for some"),
        pytest.param([BARE, BARE], Telling.GEO, 2, 3.0, id="uploaded without accuracy"),
        pytest.param([BARE, FIXED], Telling.GEO, 2, None, id="bare beside accurate ones"),
        pytest.param([PLAIN, PLAIN], Telling.GPS_ACCURACY, 0, 3.0, id="nothing known"),
        pytest.param([PLAIN, NOWHERE], Telling.GPS_ACCURACY, 0, 3.0, id="not even all positions"),
        pytest.param([replace(PLAIN, std_u_m=2.0)] * 2, Telling.NOTHING, 0, None, id="only heights are accurate"),
        pytest.param([replace(MARK, std_e_m=None)] * 2, Telling.NOTHING, 0, None, id="marks half known"),
        pytest.param([NOWHERE], Telling.NOTHING, 0, None, id="no positions"),
        pytest.param([], Telling.NOTHING, 0, None, id="no images"),
    ],
)
def test_the_table(positions, telling, lines, accuracy):
    decision = decide({f"{number}.JPG": position for number, position in enumerate(positions)}, 3.0)
    assert (decision.telling, decision.lines, decision.accuracy_m) == (telling, lines, accuracy)
    assert decision.reason


def test_people_read_which_images_stay_silent():
    assert "1 of 2 images" in decide({"a.JPG": FIXED, "b.JPG": PLAIN}, 3.0).reason
    assert "without accuracy, so 2.5 m" in decide({"a.JPG": BARE}, 2.5).reason


_STD = st.none() | st.floats(0.001, 20)


@st.composite
def _positions(draw: st.DrawFn) -> CameraPosition:
    source = draw(st.sampled_from(["xmp", "exif", "mrk", "geo", None]))
    placed = draw(st.booleans()) or source in {"mrk", "geo"}
    altitude = 600.0 if source == "mrk" else draw(st.none() | st.just(600.0))
    horizontal, vertical = draw(_STD), draw(_STD)
    if source == "geo" and (altitude is None or horizontal is None or vertical is None):
        horizontal = vertical = None  # such a file has nine columns or no accuracy
    return CameraPosition(
        longitude=11.0 if placed else None,
        latitude=48.0 if placed else None,
        altitude=altitude,
        std_e_m=horizontal,
        std_n_m=horizontal,
        std_u_m=vertical,
        flag=draw(st.sampled_from([None, 0, 1, 16, 34, 50, 52])),
        source=source,
    )


def as_odm_does(position: CameraPosition, entry: list[str] | None, accuracy_m: float | None) -> float | None:
    """The accuracy ODM ends up with: XMP doubled, replaced by geo.txt (None without its columns), then overwritten."""
    stds = [position.std_horizontal_m, position.std_u_m] if position.source in {"xmp", "exif"} else []
    known = [2 * std for std in stds if std is not None]
    if entry is not None:
        known = [float(word) for word in entry[7:9]]
    return accuracy_m or max(known, default=None)


@pytest.mark.fuzz
@given(st.lists(_positions(), max_size=6))
def test_no_known_accuracy_is_ever_lost(positions):
    named = {f"{number}.JPG": position for number, position in enumerate(positions)}
    decision = decide(named, 3.0)
    entries = geo.write_geo(named).splitlines()[1:] if decision.telling is Telling.GEO else []
    by_name = {entry.split()[0]: entry.split() for entry in entries}
    assert decision.lines == len(entries)
    for name, position in named.items():
        seen = as_odm_does(position, by_name.get(name), decision.accuracy_m)
        known = position.std_horizontal_m is not None and position.std_u_m is not None
        if known and (position.source in {"xmp", "exif"} or name in by_name):
            assert seen is not None
            assert seen <= max(2 * position.std_horizontal_m, 2 * position.std_u_m, 4.5, 1.5 * position.std_u_m)
        if known:
            assert decision.accuracy_m is None
