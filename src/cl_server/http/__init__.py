"""What every HTTP server of ours has: access, limits, errors, logs."""
