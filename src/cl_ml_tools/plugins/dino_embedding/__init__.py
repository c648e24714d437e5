"""Vectors of images that look alike."""
