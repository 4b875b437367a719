"""Containers of images: where in a JPEG, TIFF, DNG or PNG the headers are, read by seeking."""
