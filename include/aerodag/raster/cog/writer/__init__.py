"""A COG in one pass over its source."""
