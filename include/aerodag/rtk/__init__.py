"""RTK side files of drones: what they say about each exposure's position, and how well."""
