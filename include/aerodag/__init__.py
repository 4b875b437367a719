"""Aerodag: drone images in, cloud-optimised orthophotos out."""

__version__ = "0.1.0"
