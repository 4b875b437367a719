"""Small pictures of rasters."""
