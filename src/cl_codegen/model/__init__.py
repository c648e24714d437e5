"""What templates are filled from: plugins, commands, packages."""
