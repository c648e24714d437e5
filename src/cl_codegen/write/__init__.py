"""Files: rendered from templates, and swapped in whole."""
