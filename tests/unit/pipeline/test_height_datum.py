"""What the engine's heights are counted from: said where it is known, called unknown where it is not."""

from __future__ import annotations

import pytest

from aerodag.ledger import ImageRecord
from aerodag.pipeline.products.companions import height_datum


def images(*sources: str) -> list[ImageRecord]:
    return [
        ImageRecord(zip_path=f"{number}.jpg", longitude=7.0, latitude=50.0, altitude=100.0, position_source=source)
        for number, source in enumerate(sources)
    ]


@pytest.mark.parametrize(
    ("sources", "ground_control", "datum"),
    [
        (("mrk", "mrk"), False, "ellipsoidal"),
        (("mrk", "exif"), False, "unknown"),
        (("exif",), False, "unknown"),
        (("xmp", "xmp"), False, "unknown"),
        (("mrk", "mrk"), True, "unknown"),
        ((), False, "unknown"),
    ],
)
def test_height_datum(sources: tuple[str, ...], ground_control: bool, datum: str) -> None:
    found = height_datum(images(*sources), ground_control=ground_control)
    assert (found.datum, bool(found.reason)) == (datum, True)


def test_images_without_position_do_not_count() -> None:
    nowhere = ImageRecord(zip_path="x.jpg")
    assert height_datum([*images("mrk"), nowhere], ground_control=False).datum == "ellipsoidal"
