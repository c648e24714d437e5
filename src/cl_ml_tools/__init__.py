"""Task plugins, the worker that runs them, and the protocols they stand on. Usable without the rest of the house."""
