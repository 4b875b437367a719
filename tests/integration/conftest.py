"""Real drone images, where they are at hand; they are not part of the repository."""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("AERODAG_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture(scope="session")
def brighton_beach() -> list[Path]:
    """18 nadir images of 9 MP without RTK, flown at 40 m."""
    images = sorted((DATA / "mapping" / "brighton_beach" / "images").glob("*.JPG"))
    if len(images) != 18:
        pytest.skip("the Brighton Beach images are not here; AERODAG_TEST_DATA names their folder")
    return images
