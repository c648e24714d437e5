"""Vectors of images that can be compared with those of texts."""
