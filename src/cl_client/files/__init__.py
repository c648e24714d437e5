"""Downloads, and file names that are safe on this machine."""
