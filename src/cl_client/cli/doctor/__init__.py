"""What `cl-client doctor` checks, and what the answers mean."""
