"""Films as HTTP live streams."""
