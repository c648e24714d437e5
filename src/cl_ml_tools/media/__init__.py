"""Pictures and films: how files are read, what their pixels mean, and how they are written."""
