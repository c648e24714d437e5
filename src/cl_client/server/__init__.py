"""The job server, as the rest of the client sees it."""
