"""Help pages, and the options that every command has."""
