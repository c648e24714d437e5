"""The reference of the command line, from its commands."""

from __future__ import annotations

import re

from cl_client.cli.app import assemble
from cl_client.cli.help.front_page import CL_CLIENT

_CONTENTS = re.compile(r"^## Table of Contents\n.*?(?=^\*\*)", re.MULTILINE | re.DOTALL)
_GLOBAL = re.compile(r"^\*\*Global options\*\*:\n\n(?:\* .*\n)+\n?", re.MULTILINE)


def command_page() -> str:
    """Every command with its options, those that are imported only when they are called too."""
    page = assemble(CL_CLIENT).generate_docs(usage_name=CL_CLIENT.name)
    # The site has a table of contents already, and the options of all commands are read once.
    head, commands, rest = _CONTENTS.sub("", page).partition(f"\n## {CL_CLIENT.name} ")
    return head.replace(f"# {CL_CLIENT.name}\n", "# Command line\n", 1) + commands + _GLOBAL.sub("", rest)
