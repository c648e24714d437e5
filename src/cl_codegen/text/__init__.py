"""Names, escapes and line lengths of generated text."""
