"""The plugins that come with the house."""
