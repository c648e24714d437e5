"""Fingerprints of files and images."""
