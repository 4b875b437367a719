"""What an upload will become and what it will cost, told before the expensive step."""
