"""Simulated drone surveys: raw images of an invented village, with the truth they were made from.

The default input of the demonstration and the ground truth of the tests; made by ray casting on a textured height
raster with a real camera model, so that structure from motion has to do its work on them.
"""

from aerodag.simulate.simulation import Progress, SimulatedSurvey, simulate
from aerodag.simulate.survey import Position, Survey

__all__ = ["Position", "Progress", "SimulatedSurvey", "Survey", "simulate"]
