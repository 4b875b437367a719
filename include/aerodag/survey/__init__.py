"""The flight behind the images: what the exposures of one upload say together that no single image can.

Findings of ``examine`` (i: information, w: warning):

| code | meaning |
|---|---|
| image.altitude_outlier w | altitude far from its flight's median |
| image.flight_tail w | on the way to the survey or back (``checks.flight_tails`` ends the check) |
| image.low_sun w | sun lower than ``min_sun_elevation_deg``; only where UTC is certain |
| image.oblique i | gimbal off nadir by more than ``nadir_pitch_deg`` allows |
| image.pitch w | gimbal pitch above ``max_pitch_deg``: the horizon is in view |
| image.position_outlier w | one of a few images farther than ``outlier_m`` from all others |
| image.same_exposure w | same camera, time and pose as another image, other bytes |
| image.stationary w | of a burst on one spot, after its first exposure |
| image.wrong_mission w | farther than ``wrong_mission_m`` from the middle of the survey |
| image.zoom_mismatch w | digital zoom differs from that of most images of its sensor |
| survey.datum_jump w | the altitudes' zero steps by more than ``datum_jump_m``, RTK fixed apart |
| survey.gap i, w | missing exposures along the flight lines; a warning above ``front_gaps`` |
| survey.mixed_heights w | flights differ by more than ``height_ratio`` in GSD or height |
| survey.position_frozen w | ``frozen_images`` or more in a row with identical coordinates |
| survey.positions_missing i, w | images without position; a warning below ``min_gps_share`` |
| survey.scattered w | several places far apart and none with most of the images |

Findings of ``coverage``:

| code | meaning |
|---|---|
| survey.disjoint w | the footprints form unconnected groups |
| survey.gaps w | ground inside the survey seen by fewer than ``min_views`` images |
| survey.low_overlap w | median forward or side overlap below ``min_overlap``, ``min_side_overlap`` |
| survey.no_footprints i | images whose footprint is unknown, and why |
| survey.sparse w | ``sparse_images`` or fewer |
"""

from aerodag.survey.checks.copies import Duplicate, duplicates
from aerodag.survey.checks.examination import Examination, examine
from aerodag.survey.cover.estimate import coverage, outlines
from aerodag.survey.cover.extent import Coverage, Gap
from aerodag.survey.cover.footprints import Footprint, footprint
from aerodag.survey.exposure import Exposure
from aerodag.survey.timeline import flights

__all__ = [
    "Coverage",
    "Duplicate",
    "Examination",
    "Exposure",
    "Footprint",
    "Gap",
    "coverage",
    "duplicates",
    "examine",
    "flights",
    "footprint",
    "outlines",
]
