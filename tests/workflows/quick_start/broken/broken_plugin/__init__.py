"""A plugin whose author left a mistake in it: importing it fails."""

raise RuntimeError("this plugin is broken")
