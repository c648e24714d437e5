"""What generated packages import."""
