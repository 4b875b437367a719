"""Thresholds of the image and survey checks."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Checks(BaseModel):
    """Thresholds of the image and survey checks; each is ``AERODAG_CHECKS__<NAME>`` in the environment.

    Degrees, metres and seconds; grey values are 0..255. Origin: the classification of hotosm/drone-tm, whose false
    positives (blur over water, flight tails) are why those checks warn and do not reject.
    """

    model_config = ConfigDict(frozen=True)

    rejecting: frozenset[str] = Field(
        default=frozenset({
            "image.unreadable", "image.truncated", "image.damaged", "image.wrong_type",
            "image.no_position", "image.position_outlier", "image.wrong_mission", "image.other_sensor",
            "imagery.incomplete_capture", "image.duplicate", "image.black", "image.white", "image.pitch",
            "image.zoom_mismatch",
        }),
        description="Codes of findings that leave an image out unless include_images names it; the others only tell.",
    )  # fmt: skip
    max_pitch_deg: float = Field(default=-20.0, description="Gimbal pitch above this shows the horizon.")
    nadir_pitch_deg: float = Field(default=-80.0, description="Gimbal pitch above this is an oblique image.")
    blurred_below: dict[int, float] = Field(
        default={1: 100.0, 2: 400.0, 4: 1200.0, 8: 1800.0},
        description="Sharpness under this is blur, by decoding scale; 100 at full size, the others agree with it.",
    )
    black_mean: float = Field(default=40.0, description="Mean grey of a black picture is at most this.")
    white_mean: float = Field(default=215.0, description="Mean grey of a white picture is at least this.")
    flat_std: float = Field(default=15.0, description="Grey values of a black or white picture deviate no more.")
    flat_share: float = Field(default=0.9, description="Or so many pixels are under 20 or over 235,")
    flat_spread: float = Field(default=25.0, description="with 5th and 95th percentile no farther apart than this.")
    min_sun_elevation_deg: float = 10.0

    stationary_images: int = Field(default=6, description="So many in a row within stationary_m are a burst.")
    stationary_m: float = 5.0
    flight_gap_s: float = Field(default=600.0, description="A longer pause between exposures parts two flights.")
    flight_gap_m: float = Field(default=1000.0, description="A wider step between exposures parts two flights.")
    flight_speed_m_s: float = Field(default=50.0, description="A faster step between exposures parts two flights.")
    wrong_mission_m: float = Field(default=100_000.0, description="Farther from the others is another mission.")
    outlier_m: float = Field(default=1_000.0, description="A few images farther than this from all others are strays.")
    datum_jump_m: float = Field(default=10.0, description="Step in take-off altitude between flights of one survey.")
    mark_distance_m: float = Field(default=1.0, description="Exposure mark and RTK position of one image agree so far.")
    mark_distance_gps_m: float = Field(default=5.0, description="The same for a plain GPS position, shift apart.")
    mark_shift_m: float = Field(default=10.0, description="Greatest common shift of plain GPS positions from marks.")
    mark_time_s: float = Field(default=5.0, description="Exposure mark and camera clock agree so far, zone apart.")
    mark_disagreeing: float = Field(default=0.05, description="Share of disagreeing joins that refuses a mark file.")
    min_overlap: float = Field(default=0.6, description="Forward overlap below this is worth a review.")
    min_gps_share: float = Field(default=0.5, description="Share of images that must know where they are.")
    outlier_share: float = Field(default=0.05, description="At most so many images at a place of their own are strays.")
    frozen_images: int = Field(default=10, description="So many in a row with equal coordinates: the GPS stood still.")
    flight_tails: bool = Field(default=True, description="Look for pictures of the way to the survey and back.")
    front_gap_ratio: float = Field(default=1.5, description="A step so many times the usual one is a gap in a line.")
    front_gaps: int = Field(default=3, description="More gaps than this along the lines are worth a review.")
    altitude_outlier_m: float = Field(default=100.0, description="Farther from its flight's median altitude is odd.")
    height_ratio: float = Field(default=2.0, description="Flights that differ more in height or GSD hardly match.")
    min_side_overlap: float = Field(default=0.4, description="Side overlap below this is worth a review.")
    min_views: int = Field(default=3, description="Ground seen by fewer images inside the survey is a gap.")
    gap_footprints: float = Field(default=0.05, description="Smaller gaps, as shares of one footprint, are not told.")
    sparse_images: int = Field(default=5, description="So few images or fewer hardly make a map.")

    reviewing: frozenset[str] = Field(
        default=frozenset({
            "survey.low_overlap", "survey.gap", "survey.disjoint", "survey.scattered", "survey.sparse",
            "survey.datum_jump", "survey.mixed_heights", "survey.positions_missing", "survey.position_frozen",
            "image.same_exposure", "imagery.other_sensor", "rtk.mrk_disagrees", "rtk.mrk_ambiguous",
        }),
        description="Codes of warnings that make the pre-flight verdict a review; errors do so anyway.",
    )  # fmt: skip
    max_rejected_share: float = Field(default=0.2, description="More images left out than this is worth a review.")
    max_gap_share: float = Field(default=0.05, description="More of the area in gaps than this is worth a review.")
    min_rtk_fix_ratio: float = Field(default=0.9, description="Fewer fixed positions where RTK was flown is a doubt.")
    max_hours: float = Field(default=16.0, description="A longer predicted run comes near the 24 h of the engine.")
