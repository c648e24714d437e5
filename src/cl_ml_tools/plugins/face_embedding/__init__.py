"""Vectors of faces."""
