"""Images from one format to another."""
