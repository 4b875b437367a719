"""The ZIP format: its directory, its methods, and entries as bounded streams."""
