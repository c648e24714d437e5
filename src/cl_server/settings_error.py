"""What is raised for settings that make no sense."""


class SettingsError(ValueError):
    """One line for whoever set it, without passwords; the process ends with 2."""
