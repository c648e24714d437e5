"""The compute API: the application, its process and its routes."""
