"""Small media, made by code."""
