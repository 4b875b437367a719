"""What came of a job: why it failed, or what its result is worth."""
