"""A whole server on one machine: broker, processes, and how they end together."""
