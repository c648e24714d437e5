"""The plugin manifest: names that people give to what is in the spec."""
