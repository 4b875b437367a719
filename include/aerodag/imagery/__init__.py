"""Drone images: what their headers say and whether their pixels are sound."""

from aerodag.imagery.assess import Assessment, assess, assess_many
from aerodag.imagery.metadata import ImageMetadata, read_metadata

__all__ = ["Assessment", "ImageMetadata", "assess", "assess_many", "read_metadata"]
