"""What a person is told to install, by where this installation came from."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cl_extras import install

ROOT = Path(__file__).parents[2]
Install = Callable[[dict[str, object] | None], None]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Makes this process find a `cl-client` that was installed from somewhere else."""
    bin = tmp_path / "env" / "bin"
    bin.mkdir(parents=True)
    (bin / "pip").touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(bin / "python"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
    monkeypatch.setenv("PATH", str(bin))

    def install(direct_url: dict[str, object] | None) -> None:
        info = tmp_path / "site" / "cl_client-9.dist-info"
        info.mkdir(parents=True)
        requires = ["attrs", "pytest; extra == 'server'", "no-such-library; python_version >= '3' and extra == 'ml'"]
        lines = ["Metadata-Version: 2.1", "Name: cl-client", "Version: 9", *(f"Requires-Dist: {r}" for r in requires)]
        (info / "METADATA").write_text("\n".join(lines) + "\n")
        if direct_url is not None:
            (info / "direct_url.json").write_text(json.dumps(direct_url))
        monkeypatch.syspath_prepend(str(tmp_path / "site"))

    return install


@pytest.mark.parametrize(
    ("came_from", "command"),
    [
        (None, "pip install 'cl-client[ml]'"),
        ({"url": "file:///my%20files/cl_client-9-py3-none-any.whl", "archive_info": {}},
         "pip install 'cl-client[ml] @ file:///my%20files/cl_client-9-py3-none-any.whl'"),
        ({"url": "file:///src/cl", "dir_info": {}}, "pip install 'cl-client[ml] @ file:///src/cl'"),
        ({"url": "file:///my%20src", "dir_info": {"editable": True}}, "pip install -e '/my src[ml]'"),
        ({"url": "https://host/cl.git", "vcs_info": {"vcs": "git", "commit_id": "f00"}},
         "pip install 'cl-client[ml] @ git+https://host/cl.git@f00'"),
    ],
    ids=["index", "wheel", "folder", "clone", "repository"],
)  # fmt: skip
def test_the_command_names_what_this_was_installed_from(
    installed: Install, came_from: dict[str, object] | None, command: str
) -> None:
    installed(came_from)
    assert install.install_command("ml") == command


@pytest.mark.parametrize(
    ("came_from", "command"),
    [
        (None, "pip install --upgrade cl-client"),
        ({"url": "file:///a/cl_client-9-py3-none-any.whl", "archive_info": {}},
         "install a newer one than file:///a/cl_client-9-py3-none-any.whl"),
        ({"url": "file:///my%20src", "dir_info": {"editable": True}}, "git -C '/my src' pull"),
        ({"url": "https://host/cl.git", "vcs_info": {"vcs": "git", "commit_id": "f00"}},
         "pip install --upgrade 'cl-client @ git+https://host/cl.git'"),
    ],
    ids=["index", "wheel", "clone", "repository"],
)  # fmt: skip
def test_a_newer_version_comes_from_where_this_one_came_from(
    installed: Install, came_from: dict[str, object] | None, command: str
) -> None:
    installed(came_from)
    assert install.upgrade_command() == command


def test_in_the_environment_of_make_demo_it_is_make_ml(
    installed: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = tmp_path / "a clone"
    (clone / ".venv").mkdir(parents=True)
    (clone / "Makefile").touch()
    monkeypatch.setattr(sys, "prefix", str(clone / ".venv"))
    installed({"url": clone.as_uri(), "dir_info": {"editable": True}})
    assert install.install_command("ml") == f"make -C '{clone}' ml"
    monkeypatch.chdir(clone)
    assert install.install_command("server", "ml") == "make ml"
    # What the locks of the Makefile do not have is pip's.
    assert install.install_command("s3") == f"pip install -e '{clone}[s3]'"


def test_a_pip_of_another_python_is_not_the_one_that_is_named(
    installed: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(None)
    monkeypatch.setenv("PATH", "/usr/bin")
    assert install.install_command("ml") == f"{sys.executable} -m pip install 'cl-client[ml]'"


def test_where_there_is_no_pip_uv_is_named(installed: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert install.install_command("ml") == f"uv pip install --python {sys.executable} 'cl-client[ml]'"


def test_an_extra_is_complete_when_all_its_libraries_are_installed(installed: Install) -> None:
    installed(None)
    assert install.is_complete("server")
    assert not install.is_complete("ml")


def test_a_module_of_ours_that_is_missing_is_no_lack_of_an_extra(installed: Install) -> None:
    installed(None)
    ours = ModuleNotFoundError("No module named 'cl_server.nothing'", name="cl_server.nothing")
    assert install.lack(ours, "the generator", "codegen") is None
    theirs = ModuleNotFoundError("No module named 'ruff'", name="ruff")
    expected = "the generator needs the extra [codegen] (ruff is missing): pip install 'cl-client[codegen]'"
    assert install.lack(theirs, "the generator", "codegen") == expected


@pytest.mark.parametrize(
    ("module", "program", "arguments", "says"),
    [
        ("fastapi", "cl_server", ["compute"],
         "error: cl-server compute needs the extra [server] (fastapi is missing): "),
        ("sqlalchemy", "cl_server", ["worker", "--slot", "0"],
         "error: cl-server worker needs the extra [server] (sqlalchemy is missing): "),
        ("psycopg", "cl_server", ["worker", "--slot", "0", "--database", "postgresql://u@127.0.0.1:1/jobs"],
         "error: cl-server worker needs the extra [postgres] (psycopg is missing): "),
        ("obstore", "cl_server", ["worker", "--slot", "0", "--storage", "s3://bucket/jobs"],
         "error: cl-server worker needs the extra [s3] (obstore is missing): "),
        ("ruff", "cl_codegen", ["check"], "the generator needs the extra [codegen] (ruff is missing): "),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)  # fmt: skip
def test_a_program_without_its_extra_says_so_in_one_line(
    tmp_path: Path, module: str, program: str, arguments: list[str], says: str
) -> None:
    code = f"import sys; sys.modules[{module!r}] = None; from {program}.__main__ import main; sys.exit(main())"
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env={"CL_DATA": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert ran.stderr == f"{says}{install.install_command(says.partition('[')[2].partition(']')[0])}\n"
