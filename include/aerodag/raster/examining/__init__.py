"""What a raster is, and whether it is whole."""
