"""The profiles of a user: a TOML file with a table for each, and one key in it for each setting."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast
from urllib.parse import urlsplit

from attrs import field, frozen

from cl_client.config.paths import config_folder
from cl_client.config.settings import SETTINGS, Setting, Told
from cl_client.errors import ComputeClientError, InvalidParameterError
from cl_extras import whole_file

DEFAULT: Final = "default"
"""The default profile."""

_BY_KEY: Final = {setting.key: setting for setting in SETTINGS}
_SECRET: Final = re.compile("password|token|secret", re.IGNORECASE)
_NO_SECRETS: Final = "secrets do not belong here: `cl-client login` keeps a token, CL_PASSWORD and CL_TOKEN give one"
_SWITCHES: Final = {"true": True, "false": False}


@frozen
class ConfigFile:
    """A file of profiles, which need not be there.

    Attributes:
        path: where it is.
        named: Whether the user named it, so that it must exist.
        services: the settings of a program that has several servers.
    """

    path: Path
    named: bool = field(default=True, kw_only=True)
    services: tuple[Setting, ...] = field(default=(), kw_only=True)

    @classmethod
    def chosen(
        cls,
        path: str | Path | None = None,
        environment: Mapping[str, str] | None = None,
        *,
        program: str = "cl-client",
        services: tuple[Setting, ...] = (),
    ) -> ConfigFile:
        """The file of this path; else the one that `CL_CONFIG` names; else the usual one of the program."""
        env = os.environ if environment is None else environment
        named = path or env.get("CL_CONFIG")
        return cls(Path(named or config_folder(env, program) / "config.toml"), named=bool(named), services=services)

    def told_by(self, profile: str | None = None) -> dict[str, Told]:
        """What a profile says, by field of `ServerConfig`.

        Args:
            profile: its name; `default`, which need not be there, when not given.

        Raises:
            InvalidParameterError: the file or the profile is not there, or not right.
        """
        text = self._read()
        profiles = self._parse(text)
        if profile is not None and profile not in profiles:
            there = ", ".join(profiles) or "none"
            raise InvalidParameterError(f"{self.path} has no profile {profile!r}: it has {there}")
        name = profile or DEFAULT
        told: dict[str, Told] = {}
        for key, value in profiles.get(name, {}).items():
            try:
                setting = self._known(key)
                told[setting.field] = Told(_checked(setting, value), f"profile {name}")
            except InvalidParameterError as error:
                raise self._fault(_line_of(text, name, key), error.message) from None
        return told

    def set(self, profile: str, key: str, value: str) -> None:
        """Write a setting into a profile; comments and all else stay as they are. An empty value takes it out.

        Raises:
            InvalidParameterError: there is no such setting, it cannot have this value, or the file is not right.
            ComputeClientError: it cannot be written.
        """
        # It takes longer to import than all of this, and reading does not need it.
        import tomlkit

        if not re.fullmatch(r"[A-Za-z0-9_-]+", profile):
            raise InvalidParameterError(f"{profile!r} is no name of a profile: letters, digits, '_' and '-' only")
        setting = self._known(key)
        text = self._read() if self.path.exists() else ""
        self._parse(text)
        document = tomlkit.parse(text)
        if profile not in document:
            document[profile] = tomlkit.table()
        table = cast("dict[str, object]", document[profile])
        if value:
            table[setting.key] = _checked(setting, value)
        else:
            table.pop(setting.key, None)
        self._write(tomlkit.dumps(document))

    def _known(self, key: str) -> Setting:
        """The setting of a key; what is written with dashes as an option counts too."""
        key = key.replace("-", "_")
        known = _BY_KEY | {setting.key: setting for setting in self.services}
        if setting := known.get(key):
            return setting
        if _SECRET.search(key):
            raise InvalidParameterError(f"{key}: {_NO_SECRETS}")
        meant = difflib.get_close_matches(key, known, n=1)
        raise InvalidParameterError(
            f"there is no setting {key!r}: " + (f"is it {meant[0]}?" if meant else f"there are {', '.join(known)}")
        )

    def _read(self) -> str:
        try:
            return self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            if self.named:
                raise InvalidParameterError(f"{self.path} does not exist: `cl-client config set` makes it") from None
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidParameterError(f"cannot read {self.path}: {error}") from None

    def _parse(self, text: str) -> dict[str, dict[str, object]]:
        try:
            profiles = cast("dict[str, object]", tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            what, _, where = str(error).rpartition(" (at ")
            line = re.search(r"line (\d+)", where)
            number = int(line[1]) if line else len(text.splitlines())
            raise self._fault(number, f"this is not TOML ({what or error}): correct it there") from None
        for key, value in profiles.items():
            if not isinstance(value, dict):
                raise self._fault(_line_of(text, None, key), f"{key} is in no profile: write [{DEFAULT}] above it")
        return cast("dict[str, dict[str, object]]", profiles)

    def _write(self, text: str) -> None:
        # Here, because reading does not need it.
        from cl_client.files.whole_file import behind_links

        # The file can be a link into a folder of dotfiles. It stays a link.
        try:
            path = behind_links(self.path)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            whole_file.write(path, text, mode=whole_file.PRIVATE)
        except OSError as error:
            raise ComputeClientError(f"cannot write {self.path}: {error.strerror or error}") from error

    def _fault(self, line: int, what: str) -> InvalidParameterError:
        return InvalidParameterError(f"{self.path}, line {line}: {what}")


def _checked(setting: Setting, value: object) -> str | int | bool:
    """A value as the setting wants it, from TOML or from a word of the command line."""
    key = setting.key
    if not isinstance(value, str | int):
        raise InvalidParameterError(f"{key} has to be a text, a number, true or false")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    wanted = setting.read(text)
    if isinstance(wanted, bool):
        if text.casefold() not in _SWITCHES:
            raise InvalidParameterError(f"{key} is {text!r}, and has to be true or false")
    elif setting.key.endswith("_url"):
        if ":" in text.partition("//")[2].rpartition("@")[0]:
            raise InvalidParameterError(f"{key} holds a password: {_NO_SECRETS}")
        address = urlsplit(text)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise InvalidParameterError(f"{key} is {text!r}, and has to be like http://host:port")
    return wanted


def _line_of(text: str, profile: str | None, key: str) -> int:
    """The line of a key. The first line if it is written in an unusual way."""
    table = None
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"""\s*\[\s*["']?(.+?)["']?\s*\]""", line):
            table = header[1]
        elif table == profile and re.match(rf"""\s*["']?{re.escape(key)}["']?\s*[=.]""", line):
            return number
    return 1
