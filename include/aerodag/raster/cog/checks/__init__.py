"""What a COG has to be before it gets its name, each point compared with its source."""
