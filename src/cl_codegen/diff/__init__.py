"""Two specs compared: what changed, and whom it breaks."""
