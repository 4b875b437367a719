"""What the tags of a header mean: EXIF, XMP and maker notes of all drone dialects."""
