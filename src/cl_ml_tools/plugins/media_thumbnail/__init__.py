"""Small pictures of large media."""
