"""What happens to them: runs, steps, engine jobs and stages, reviews, checks, and what starts next."""
