"""The manifest, openapi/plugins.toml: how people call what the spec has.

One table for each plugin. Whatever it leaves out is derived from the spec, so an empty file is a manifest too.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, cast

from attrs import field, frozen

from cl_codegen.manifest.pages_table import PAGES, PagesEntry, read_pages
from cl_codegen.manifest.toml_file import read_tables
from cl_codegen.manifest.view import VIEWS
from cl_codegen.model.vocabulary import FIELDS, STATUSES
from cl_codegen.spec.spec import SpecError
from cl_codegen.text.naming import attribute, kebab, snake

SERVER: Final = "server"
"""The table that is about the server, and about no plugin."""

_JOB_OPERATIONS = ("job", "delete", "cancel", "retry", "result", "file", "files", "log")
_SERVER_OPERATIONS = (*_JOB_OPERATIONS, "list", "workers")
_SERVER_KEYS = (
    *_SERVER_OPERATIONS,
    "events",
    "worker_events",
    "permissions",
    "embedded",
    "status",
    "fields",
    "progress",
)
_KEYS = (
    *("operation", "group", "verb", "method", "names", "order"),
    *("output", "artifact", "view", "flags", "example", "uploads"),
    *_JOB_OPERATIONS,
)
_FLAG = re.compile(r"-[A-Za-z0-9]|--[a-z0-9]+(-[a-z0-9]+)*")
_COMMAND_WORD = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@frozen
class Entry:
    """What the manifest says of one plugin.

    Attributes:
        plugin: the attribute of the client (`client.image_conversion`).
        operation: the operation id, as the normalised spec has it.
        group, verb: the command line (`image-conversion convert`).
        method: the method; the verb in snake case where it is not given.
        names: Python names of parameters, to their wire names, where they differ.
        order: Python names of parameters, in the order of the method; the others follow in the order of the spec.
        output: the component schema of the output; the spec's `x-task-output` where it is not given.
        artifact: the field of the output that holds the main file's path, or that path itself (with a `/`).
        view: how the command line shows the output to people; a name of `view.VIEWS`.
        flags: of the command line, by the Python name of the parameter.
        example: Python source for the docstring.
        uploads: for a parameter that takes the id of a file, by its Python name, the operation that gives an address to
            put the file at; empty where it is no file, whatever it looks like.
        operations: operation ids for the jobs of this plugin, where it has its own, as those of `Server`.
        keys: what the table says; all else is derived.
    """

    manifest: Manifest
    plugin: str
    operation: str
    group: str
    verb: str
    method: str
    names: Mapping[str, str] = field(factory=dict[str, str])
    order: tuple[str, ...] = ()
    output: str | None = None
    artifact: str | None = None
    view: str | None = None
    flags: Mapping[str, tuple[str, ...]] = field(factory=dict[str, tuple[str, ...]])
    example: str | None = None
    uploads: Mapping[str, str] = field(factory=dict[str, str])
    operations: Mapping[str, str] = field(factory=dict[str, str])
    keys: frozenset[str] = frozenset()

    def error(self, key: str, expected: str, *, word: str = "") -> SpecError:
        """An error at the line of a key of this table, or of a word below that key."""
        return self.manifest.error(self.plugin, key, expected, word=word)


@frozen
class Server:
    """What the manifest says of the server, in the table `[server]`.

    Attributes:
        operations: operation ids of `job` (GET, how a job is), `delete`, `cancel`, `retry`, `result` (GET, its output,
            where its state does not tell it), `file` (GET, a file of a job), `files` (GET, which files a job has),
            `list` (GET, which jobs there are) and `workers` (GET, which workers there are).
        events: topic of the messages about jobs on the broker.
        worker_events: topic of those about workers, with `{worker_id}` in it.
        permissions: each of them lets a user have jobs done.
        embedded: whether it is the server that cl-client can start itself, so that the client has `embedded()`.
        statuses: our words for the state of a job, by those of the server (`[server.status]`).
        fields: what the server calls the fields of a job, by our names (`[server.fields]`).
        whole: the progress of a job that is done (`progress`).
    """

    manifest: Manifest
    operations: Mapping[str, str] = field(factory=dict[str, str])
    events: str | None = None
    worker_events: str | None = None
    permissions: tuple[str, ...] = ()
    embedded: bool = False
    statuses: Mapping[str, str] = field(factory=dict[str, str])
    fields: Mapping[str, tuple[str, ...]] = field(factory=dict[str, tuple[str, ...]])
    whole: float | None = None

    def error(self, key: str, expected: str, word: str = "") -> SpecError:
        """An error at the line of a key of the table."""
        return self.manifest.error(SERVER, key, expected, word=word)


@frozen
class Choice:
    """Which operations of a spec the client has: the operation ids and tags of `only` and `leave_out`, at the top of a
    manifest. All of them, where neither says anything."""

    manifest: Manifest
    only: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()

    def error(self, key: str, word: str, known: Iterable[str]) -> SpecError:
        """An error at the line of a word that no operation and no tag has."""
        lines = self.manifest.text.splitlines()
        line = next((number for number, text in enumerate(lines, 1) if word in text), 1)
        expected = f"{key}: the spec has no operation and no tag {word!r}{suggestion(word, known)}"
        return SpecError(self.manifest.source, f"line {line}", expected)


@frozen(eq=False)
class Manifest:
    """A manifest and the file that it came from."""

    source: Path
    text: str
    entries: tuple[Entry, ...] = ()
    server_table: Server | None = None
    only: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    pages: Mapping[str, PagesEntry] = field(factory=dict[str, PagesEntry])
    within: str = ""
    """What stands before the name of each table (`specs.store.`), where one file has the manifests of several specs."""

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing at all."""
        return not (self.entries or self.server_table or self.only or self.leave_out or self.pages)

    @property
    def choice(self) -> Choice:
        """Which operations it wants."""
        return Choice(self, self.only, self.leave_out)

    @property
    def server(self) -> Server:
        """What it says of the server; an empty table where it says nothing."""
        return self.server_table or Server(self)

    @classmethod
    def load(cls, path: Path) -> Manifest:
        """Read a manifest; where there is no file, an empty one.

        Raises:
            SpecError: it is not TOML, or a table has something that no manifest has. The place is the line.
        """
        text, tables = read_tables(path)
        return cls.of(path, text, tables)

    @classmethod
    def of(cls, path: Path, text: str, tables: Mapping[str, object], within: str = "") -> Manifest:
        """A manifest from its tables.

        Args:
            path, text: of the file; tables: of it, or of one of its tables.
            within: what stands before the name of each of them there.

        Raises:
            SpecError: as `load`.
        """
        tables = dict(tables)
        bare = cls(path, text, within=within)
        chosen = {key: _chosen(bare, key, tables.pop(key, [])) for key in ("only", "leave_out")}
        pages = read_pages(tables.pop(PAGES, {}), lambda key, expected: bare.error(PAGES, key, expected))
        entries = tuple(_Table(bare, name, table).entry() for name, table in tables.items() if name != SERVER)
        server = _Table(bare, SERVER, tables[SERVER]).server() if SERVER in tables else None
        return cls(path, text, entries, server, **chosen, pages=pages, within=within)

    def error(self, plugin: str, key: str, expected: str, *, word: str = "") -> SpecError:
        return SpecError(
            self.source, f"line {self.line(plugin, key, word)}", f"[{self.within}{plugin}] {key}: {expected}"
        )

    def line(self, plugin: str, key: str, word: str = "") -> int:
        """The line of a word of a key of a table; of the key, or the table, where it cannot be told apart."""
        name = rf"(?:\"{re.escape(plugin)}\"|'{re.escape(plugin)}'|{re.escape(plugin)})"
        before = re.escape(self.within)
        begin = re.compile(rf"\s*\[\s*{before}{name}\s*(?:\.\s*(\w+)\s*)?\]")
        found, inside, sub = 1, False, ""
        has_key = False
        for number, line in enumerate(self.text.splitlines(), 1):
            if line.lstrip().startswith("["):
                header = begin.match(line)
                inside, sub = header is not None, (header[1] or "") if header else ""
                if inside and (found == 1 or sub == key):
                    found, has_key = number, has_key or sub == key
            elif inside and (sub == key or re.match(rf"\s*{re.escape(key)}\s*[=.]", line)):
                if not has_key:
                    found, has_key = number, True
                if word and word in line:
                    return number
        return found


def _chosen(manifest: Manifest, key: str, value: object) -> tuple[str, ...]:
    listed = cast("list[object]", value) if isinstance(value, list) else [value]
    words = tuple(word for word in listed if isinstance(word, str))
    if len(words) != len(listed):
        line = next((number for number, text in enumerate(manifest.text.splitlines(), 1) if key in text), 1)
        raise SpecError(manifest.source, f"line {line}", f"{key}: expected a list of operation ids and tags")
    return words


@frozen
class _Table:
    """One table of the file, being checked."""

    manifest: Manifest
    name: str
    value: object

    def entry(self) -> Entry:
        table = self._mapping(self.value, "table")
        for key in table:
            if key not in _KEYS:
                raise self._error(key, f"there is no such key{suggestion(key, _KEYS)}")
        if self.name != attribute(self.name):
            raise self._error("table", f"the name is an attribute of the client: write [{attribute(self.name)}]")
        if "operation" not in table:
            raise self._error("operation", "expected the operation id of the spec that creates the job")
        verb = self._text(table, "verb") or "run"
        group = self._text(table, "group") or kebab(self.name)
        for key, word in (("verb", verb), ("group", group)):
            if _COMMAND_WORD.fullmatch(word) is None:
                raise self._error(key, f"{word!r} isn't a word of a command line: lower case, digits and dashes")
        names = self._texts(table, "names")
        method = self._text(table, "method") or attribute(verb)
        if method != attribute(method):
            raise self._error("method", f"{method!r} isn't a Python name; {attribute(method)}?")
        for word in names:
            if word != snake(word):
                raise self._error("names", f"{word!r} isn't a Python name; {snake(word)}?", word)
        return Entry(
            manifest=self.manifest,
            plugin=self.name,
            operation=self._text(table, "operation") or "",
            group=group,
            verb=verb,
            method=method,
            names=names,
            order=self._words(table, "order"),
            output=self._text(table, "output"),
            artifact=self._text(table, "artifact"),
            view=self._view(table),
            flags=self._flags(table),
            example=self._text(table, "example"),
            uploads=self._texts(table, "uploads"),
            operations=self._operations(table, _JOB_OPERATIONS),
            keys=frozenset(table),
        )

    def server(self) -> Server:
        table = self._mapping(self.value, "table")
        for key in table:
            if key not in _SERVER_KEYS:
                raise self._error(key, f"there is no such key{suggestion(key, _SERVER_KEYS)}")
        statuses = self._texts(table, "status")
        for word, ours in statuses.items():
            if ours not in STATUSES:
                raise self._error("status", f"{ours!r} isn't a state of a job{suggestion(ours, STATUSES)}", word)
        fields = self._mapping(table.get("fields", {}), "fields")
        for name in fields:
            if name not in FIELDS:
                raise self._error("fields", f"a job has no {name!r}{suggestion(name, FIELDS)}", name)
        whole = table.get("progress")
        if "progress" in table and (isinstance(whole, bool) or not isinstance(whole, int | float) or whole <= 0):
            raise self._error("progress", "expected the number that says done, such as 1 or 100")
        return Server(
            self.manifest,
            operations=self._operations(table, _SERVER_OPERATIONS),
            events=self._text(table, "events"),
            worker_events=self._topic(table, "worker_events"),
            permissions=self._words(table, "permissions"),
            embedded=self._switch(table, "embedded"),
            statuses=statuses,
            fields={name: (word,) for name, word in self._texts(table, "fields").items()},
            whole=cast("float | None", whole),
        )

    def _error(self, key: str, expected: str, word: str = "") -> SpecError:
        return self.manifest.error(self.name, key, expected, word=word)

    def _mapping(self, value: object, key: str) -> Mapping[str, object]:
        if not isinstance(value, dict):
            raise self._error(key, "expected a table")
        return cast("dict[str, object]", value)

    def _text(self, table: Mapping[str, object], key: str) -> str | None:
        value = table.get(key)
        if key in table and (not isinstance(value, str) or not value.strip()):
            raise self._error(key, "expected a string")
        return cast("str | None", value)

    def _operations(self, table: Mapping[str, object], keys: Iterable[str]) -> Mapping[str, str]:
        named = {key: self._text(table, key) for key in keys}
        return {key: name for key, name in named.items() if name is not None}

    def _switch(self, table: Mapping[str, object], key: str) -> bool:
        value = table.get(key, False)
        if not isinstance(value, bool):
            raise self._error(key, "expected true or false")
        return value

    def _topic(self, table: Mapping[str, object], key: str) -> str | None:
        topic = self._text(table, key)
        if topic is not None and topic.count("{worker_id}") != 1:
            raise self._error(key, "expected a topic with {worker_id} in it")
        return topic

    def _view(self, table: Mapping[str, object]) -> str | None:
        view = self._text(table, "view")
        if view is not None and view not in VIEWS:
            raise self._error("view", f"there is no view {view!r}{suggestion(view, VIEWS)}")
        return view

    def _texts(self, table: Mapping[str, object], key: str) -> Mapping[str, str]:
        values = self._mapping(table.get(key, {}), key)
        for name, value in values.items():
            if not isinstance(value, str):
                raise self._error(key, f"expected a string for {name}", name)
        return cast("Mapping[str, str]", values)

    def _words(self, table: Mapping[str, object], key: str) -> tuple[str, ...]:
        value = table.get(key, [])
        listed = cast("list[object]", value) if isinstance(value, list) else [None]
        words = [word for word in listed if isinstance(word, str)]
        if len(words) != len(listed) or len(set(words)) != len(words):
            raise self._error(key, "expected a list of different names")
        return tuple(words)

    def _flags(self, table: Mapping[str, object]) -> Mapping[str, tuple[str, ...]]:
        flags: dict[str, tuple[str, ...]] = {}
        seen: set[str] = set()
        for name, value in self._mapping(table.get("flags", {}), "flags").items():
            listed = cast("list[object]", value) if isinstance(value, list) else [value]
            words = [word for word in listed if isinstance(word, str) and _FLAG.fullmatch(word)]
            if len(words) != len(listed) or not words:
                raise self._error("flags", f"{name}: expected flags such as -f or --format", name)
            twice = seen.intersection(words)
            if twice:
                raise self._error("flags", f"{twice.pop()} is given twice", name)
            seen.update(words)
            flags[name] = tuple(words)
        return flags


def suggestion(word: str, known: Iterable[str]) -> str:
    """What a wrong word was probably meant to be, as the end of a sentence."""
    listed = sorted(known)
    near = difflib.get_close_matches(word, listed, 1)
    return f"; {near[0]}?" if near else f" (there are: {', '.join(listed) or 'none'})"
