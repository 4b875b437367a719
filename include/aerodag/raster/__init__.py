"""Rasters: what they are, brought into one form, published as cloud-optimised GeoTIFFs and drawn small.

Each step imports the part that it needs: all of them together take a second to load.
"""
