"""Everything that the command line writes: data, progress, errors, questions."""
