"""Figures, each as a ratio to a peer or a bare baseline in the same run: `make bench`."""
