"""Results drawn for a person who looks at a terminal."""
