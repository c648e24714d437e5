"""What is wrong with the generator itself: its templates, or what is installed. For a spec there is `SpecError`."""


class GeneratorError(Exception):
    """The base of them all. Nothing was written."""


class PluginTemplateError(GeneratorError):
    """A template of the plugin layer does not work."""


class GenerationError(GeneratorError):
    """What was generated is not sound Python."""


class FetchError(GeneratorError):
    """A server does not give its document."""


class PackageError(GeneratorError):
    """A package cannot be called so, or written there."""
