"""What a running job says: its stages, its facts, its limits."""
