"""Sensors told apart, and the one consistent set that becomes a map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerodag.findings import Severity
from aerodag.imagery import Grouping, ImageMetadata, Modality, choose_group, sensor_group
from samples.photographs import at, needs_data

RGB, MS, THERMAL = Modality.RGB, Modality.MULTISPECTRAL, Modality.THERMAL


def image(name: str, modality: Modality = RGB, **values: Any) -> ImageMetadata:
    known: dict[str, Any] = {"width": 5280, "height": 3956, "make": "DJI", "model": "M3E", "focal_px": 3700.0}
    return ImageMetadata(name=name, modality=modality, **(known | {"relative_altitude": 100.0} | values))


def several(count: int, prefix: str, modality: Modality = RGB, **values: Any) -> list[ImageMetadata]:
    return [image(f"{prefix}_{number:04d}.JPG", modality, **values) for number in range(count)]


def rig(captures: int, bands: Sequence[str] = ("Green", "Red", "RedEdge", "NIR"), **values: Any) -> list[ImageMetadata]:
    return [
        image(f"{capture}_{band}.TIF", MS, band=band, capture_id=str(capture), width=2592, height=1944, **values)
        for capture in range(captures)
        for band in bands
    ]


def codes(found: Grouping) -> list[str]:
    return [finding.code for finding in found.findings]


def test_one_camera_is_one_group() -> None:
    images = several(10, "a")
    images[3] = image(images[3].name, width=3956, height=5280)
    found = choose_group(images)
    assert found.chosen == tuple(item.name for item in images)
    assert (found.others, found.findings) == ((), ())
    assert set(found.groups.values()) == {"rgb DJI M3E 5280x3956"}


def test_nothing_is_nothing() -> None:
    assert choose_group([]) == Grouping((), (), {})


def test_colour_and_thermal_pairs_give_the_colour_images() -> None:
    visible = several(20, "V", lens_code="V", model="M3T", width=4000, height=3000, focal_px=2800.0)
    thermal = several(20, "T", THERMAL, lens_code="T", model="M3T", width=640, height=512, focal_px=758.0)
    found = choose_group([*visible, *thermal])
    assert found.chosen == tuple(item.name for item in visible)
    assert len(found.others) == 20
    (finding,) = found.findings
    assert (finding.code, finding.severity) == ("imagery.other_sensor", Severity.WARNING)
    assert finding.numbers["images"] == 20
    assert "20 images of the sensor 'thermal DJI M3T T 640x512'" in finding.message


def test_colour_beats_a_complete_multispectral_rig_exposure_by_exposure() -> None:
    found = choose_group([*several(10, "D", lens_code="D"), *rig(10)])
    assert len(found.chosen) == 10
    assert codes(found) == ["imagery.other_sensor"]


def test_a_few_colour_images_do_not_outvote_a_survey() -> None:
    found = choose_group([*several(2, "D"), *rig(40)])
    assert len(found.chosen) == 160
    assert "40 multispectral exposures far outnumber the 2 rgb ones" in found.findings[0].message


def test_bands_stay_together_whatever_their_size() -> None:
    bands = rig(5, make="MicaSense", model="Altum")
    thermal = [
        image(
            f"{n}_LWIR.TIF", MS, band="LWIR", capture_id=str(n), width=160, height=120, make="MicaSense", model="Altum"
        )
        for n in range(5)
    ]
    found = choose_group([*bands, *thermal])
    assert len(found.chosen) == 25
    assert found.findings == ()


def test_incomplete_exposures_of_a_rig_are_left_out_and_listed() -> None:
    images = [item for item in rig(10) if item.name not in {"3_Red.TIF", "7_NIR.TIF"}]
    found = choose_group(images)
    assert len(found.chosen) == 8 * 4
    assert len(found.others) == 6
    assert codes(found) == ["imagery.incomplete_capture"] * 6
    assert {finding.image for finding in found.findings} == set(found.others)
    assert "8 of 10 exposures have Green, NIR, Red, RedEdge" in found.findings[0].message


def test_a_rig_of_one_band_is_complete() -> None:
    found = choose_group(rig(6, ("NIR",)))
    assert (len(found.chosen), found.findings) == (6, ())


def test_exposures_without_identifier_are_known_by_name_or_time() -> None:
    names = [f"00{folder}SET/IMG_{n:04d}_{band}.tif" for folder in (0, 1) for n in range(3) for band in range(1, 6)]
    by_name = [image(name, MS, band=name[-5]) for name in names]
    assert len(choose_group(by_name).chosen) == 30
    assert choose_group(by_name[1:]).findings[0].code == "imagery.incomplete_capture"


def test_two_colour_drones_share_a_map() -> None:
    other = several(8, "b", model="FC6310", width=5472, height=3648, focal_px=3650.0)
    found = choose_group([*several(10, "a"), *other])
    assert len(found.chosen) == 18
    assert codes(found) == ["imagery.mixed_cameras"]
    assert found.findings[0].severity is Severity.INFO


def test_a_much_finer_camera_does_not_join() -> None:
    near = several(8, "b", model="FC6310", width=5472, height=3648, focal_px=3650.0, relative_altitude=20.0)
    found = choose_group([*several(10, "a"), *near])
    assert len(found.chosen) == 10
    assert "factor of 2" in found.findings[0].message


def test_the_zoom_lens_gives_way_to_the_wide_one() -> None:
    wide = several(5, "W", lens_code="W", model="ZH20", width=4056, height=3040, focal_px=2900.0)
    zoom = several(9, "Z", lens_code="Z", model="ZH20", width=5184, height=3888, focal_px=4000.0)
    found = choose_group([*zoom, *wide])
    assert set(found.chosen) == {item.name for item in wide}
    assert len(choose_group(zoom).chosen) == 9


def test_unknown_heights_do_not_part_cameras() -> None:
    found = choose_group([*several(5, "a", relative_altitude=None), *several(4, "b", model="X", focal_px=None)])
    assert len(found.chosen) == 9


images = st.builds(
    image,
    st.uuids().map(str),
    st.sampled_from(Modality),
    width=st.sampled_from([640, 4000]),
    model=st.sampled_from([None, "a", "b"]),
    lens_code=st.sampled_from([None, "W", "Z"]),
    band=st.sampled_from([None, "Red", "NIR"]),
    capture_id=st.sampled_from([None, "1", "2"]),
    focal_px=st.one_of(st.none(), st.floats(1, 1e5)),
    relative_altitude=st.one_of(st.none(), st.floats(-10, 1e4)),
)


@pytest.mark.fuzz
@given(st.lists(images, max_size=12))
def test_every_image_is_either_chosen_or_explained(several_images: list[ImageMetadata]) -> None:
    found = choose_group(several_images)
    names = [item.name for item in several_images]
    assert sorted([*found.chosen, *found.others]) == sorted(names)
    assert found.groups.keys() == set(names)
    assert len({item.modality for item in several_images if item.name in found.chosen}) <= 1
    left_out = sum(finding.numbers.get("images", 1) for finding in found.findings if finding.severity == "warning")
    assert left_out == len(found.others)
    assert bool(found.chosen) == bool(names)


@needs_data
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_real_sensors() -> None:
    expected = {
        "mapping/brighton_beach/images/DJI_0020.JPG": "rgb DJI FC300S 4000x2250",
        "mapping/p4m_rtk_mirafiori/images/DJI_0180.JPG": "rgb DJI FC6360 1600x1300",
        "multispectral/dji_p4m_rtk/p4m_mauritius_green.tif": "multispectral DJI FC6360",
        "multispectral/parrot_sequoia/IMG_180413_080658_0000_GRE.TIF": "multispectral Parrot Sequoia",
        "rtk/xmp_rtk_thermal/M3T_IR.JPG": "thermal DJI M3T T 640x512",
        "thermal/H20T_2.jpg": "thermal DJI ZH20T 640x512",
        "thermal/DJI_XT-2.jpg": "thermal DJI FLIR 640x512",
        "exif_odd/FLIR_Vue_Pro_640.jpg": "thermal FLIR 640x512",
    }
    assert {path: str(sensor_group(at(path))) for path in expected} == expected


@needs_data
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_a_real_capture_of_five_bands() -> None:
    bands = [at(f"multispectral/micasense_rededge/IMG_0001_{band}.tif") for band in range(1, 6)]
    found = choose_group(bands)
    assert (len(found.chosen), found.findings) == (5, ())
    assert [item.band for item in bands] == ["Blue", "Green", "Red", "NIR", "RedEdge"]
