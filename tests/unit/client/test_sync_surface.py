"""The sync client has what the async one has, parameter for parameter."""

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

import cl_client
import cl_client.sync
import cl_sync
from cl_client.loops.portal import Twin
from cl_plugins import PLUGINS

BENEATH = {"api", "job_server", "operation", "watcher"}
"""The layers that only a loop can use."""

GIVEN = (cl_client.AuthProvider, cl_client.Upload)
"""What is given to a client, of which the loop alone asks something."""

_AWAITABLE = re.compile(r"Awaitable\[((?:[^\[\]]|\[[^\[\]]*\])*)\]")


def pairs() -> Iterator[tuple[str, type, type]]:
    """Each class of the sync client, with the one that it is the twin of."""
    for found in pkgutil.walk_packages(cl_sync.__path__, "cl_sync."):
        module = importlib.import_module(found.name)
        for name, cls in vars(module).items():
            if inspect.isclass(cls) and issubclass(cls, Twin) and cls.__module__ == found.name:
                yield name, cls, getattr(module, f"Async{name}")


TWINS = {name: (sync, twin) for name, sync, twin in pairs()}


def public(cls: type) -> set[str]:
    """What a class offers, the attributes that its constructors annotate included."""
    fields = {found for base in cls.__mro__ for found in inspect.get_annotations(base)}
    for base in cls.__mro__[:-1]:
        init = base.__dict__.get("__init__")
        if init is not None and inspect.isfunction(init) and base.__module__.startswith("cl_"):
            fields |= set(re.findall(r"self\.(\w+):", _source(init)))
    return {name for name in {*dir(cls), *fields} if not name.startswith("_")}


def _source(function: Callable[..., object]) -> str:
    try:
        return inspect.getsource(function)
    except OSError:
        return ""  # attrs has written it.


def without_async(annotation: object) -> str:
    text = annotation if isinstance(annotation, str) else repr(annotation)
    return _AWAITABLE.sub(r"\1", text).replace("AsyncGenerator[", "Generator[")


def shape(function: Callable[..., object]) -> list[tuple[str, object, object, str]]:
    signature = inspect.signature(function)
    parameters = [
        (one.name, one.kind, one.default, without_async(one.annotation)) for one in signature.parameters.values()
    ]
    return [*parameters, ("return", None, None, without_async(signature.return_annotation))]


@pytest.mark.parametrize("name", TWINS)
def test_every_method_and_attribute_is_there_with_the_same_signature(name: str):
    sync, twin = TWINS[name]
    assert public(sync) - {"portal", "twin"} == public(twin) - BENEATH
    for attribute in sorted(public(twin) - BENEATH):
        theirs, ours = (inspect.getattr_static(each, attribute, None) for each in (twin, sync))
        if callable(theirs) or isinstance(theirs, classmethod):
            assert shape(getattr(sync, attribute)) == shape(getattr(twin, attribute)), attribute
            assert not inspect.iscoroutinefunction(getattr(sync, attribute)), attribute
            assert not inspect.isasyncgenfunction(getattr(sync, attribute)), attribute
        elif (getter := getattr(theirs, "fget", None) or getattr(theirs, "func", None)) is not None:
            own = getattr(ours, "fget", None) or ours.func
            assert shape(own) == shape(getter), attribute


@pytest.mark.parametrize("name", ["AuthClient", "ComputeClient", "MQTTJobMonitor", "SessionManager"])
def test_what_people_make_themselves_takes_the_same_arguments(name: str):
    sync, twin = TWINS[name]
    assert shape(sync.__init__) == shape(twin.__init__)
    assert hasattr(sync, "__enter__")
    assert hasattr(sync, "__exit__")


def test_every_word_of_documentation_is_there_and_none_of_them_awaits():
    for name, (sync, twin) in TWINS.items():
        for attribute in sorted(public(twin) - BENEATH):
            theirs, ours = getattr(twin, attribute, None), getattr(sync, attribute, None)
            if inspect.isfunction(theirs):
                assert bool(inspect.getdoc(ours)) == bool(inspect.getdoc(theirs)), f"{name}.{attribute}"
                assert not re.search(r"await |async (for|with)|running event loop", inspect.getdoc(ours) or "")


def test_all_that_is_public_and_waits_has_a_twin():
    for name in cl_client.__all__:
        value = getattr(cl_client, name)
        waits = [each for each in vars(value).values() if _waits(each)] if inspect.isclass(value) else [_waits(value)]
        if any(waits) and not (inspect.isclass(value) and issubclass(value, GIVEN)):
            assert name in cl_client.sync.__all__
    assert shape(cl_client.sync.as_completed) == shape(cl_client.as_completed)


def _waits(value: object) -> bool:
    return inspect.iscoroutinefunction(value) or inspect.isasyncgenfunction(value)


def test_every_plugin_is_there():
    assert set(PLUGINS) <= set(dir(cl_client.sync.ComputeClient))


def test_the_import_costs_next_to_nothing():
    program = """
import sys
import cl_client.sync
heavy = "asyncio attrs httpx aiomqtt cl_sync cl_client.client cl_client.loops.portal"
sys.exit(" ".join(name for name in heavy.split() if name in sys.modules) or 0)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_client_imports_only_the_plugins_that_it_is_asked_for():
    program = """
import sys
from cl_client.sync import ComputeClient
ComputeClient().hash
heavy = "aiomqtt cl_sync.plugins.exif cl_plugins.exif cl_sync.session"
sys.exit(" ".join(name for name in heavy.split() if name in sys.modules) or 0)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
