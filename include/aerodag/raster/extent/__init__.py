"""Where a raster lies, and where it shows something."""
