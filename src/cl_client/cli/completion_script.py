"""The completion scripts of cyclopts, with corrections for bash and zsh."""

from __future__ import annotations

import re
from typing import Final

_FILES: Final = 'COMPREPLY=( $(compgen -f -- "${cur}") )'
_BASH: Final = """
# File names with any characters: readline quotes spaces, and marks folders.
{function}() {{
  local name
  compopt -o filenames 2>/dev/null
  COMPREPLY=()
  while IFS= read -r name; do
    COMPREPLY+=("$name")
  done < <(compgen -f -- "$(printf %s "$1" | sed -e 's/^["'\\'']//' -e 's/\\\\\\(.\\)/\\1/g')")
}}
"""
_ZSH: Final = """
# Read from a file of $fpath, it is called; read with `source`, it is registered, for which completion has to be on.
if [ "$funcstack[1]" = "{function}" ]; then
  {function} "$@"
else
  (( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit }}
  compdef {function} {program}
fi
"""


def mended(script: str, shell: str, program: str) -> str:
    """A script of cyclopts that completes names with spaces in bash, and works in zsh with `source`."""
    if shell == "bash":
        function = f"_{re.sub(r'[^A-Za-z0-9]', '_', program)}_files"
        return script.replace(_FILES, f'{function} "${{cur}}"').replace(
            "\ncomplete -F ", f"{_BASH.format(function=function)}\ncomplete -F "
        )
    if shell == "zsh":
        return script.rstrip() + "\n" + _ZSH.format(function=f"_cyclopts_{program}", program=program)
    return script
