"""A plugin of somebody else, as a package of its own."""
