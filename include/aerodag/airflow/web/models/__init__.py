"""What the API answers; names are stable. Times are ISO 8601 in UTC, units stand in the names."""
