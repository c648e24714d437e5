"""The error for invalid settings."""


class SettingsError(ValueError):
    """Settings are invalid. The message is one line without passwords; the process exits with status 2."""
