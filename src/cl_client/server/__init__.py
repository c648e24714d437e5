"""What a job server calls things."""
