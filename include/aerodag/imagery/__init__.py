"""Drone images: what their headers say and whether their pixels are sound."""

from aerodag.imagery.groups import Grouping, SensorGroup, choose_group, sensor_group
from aerodag.imagery.metadata import ImageMetadata, read_metadata
from aerodag.imagery.pixels.assess import Assessment, assess, assess_many
from aerodag.imagery.pixels.quality import quality_findings
from aerodag.imagery.problems import problem_findings
from aerodag.imagery.tags.sensor import Modality

__all__ = [
    "Assessment",
    "Grouping",
    "ImageMetadata",
    "Modality",
    "SensorGroup",
    "assess",
    "assess_many",
    "choose_group",
    "problem_findings",
    "quality_findings",
    "read_metadata",
    "sensor_group",
]
