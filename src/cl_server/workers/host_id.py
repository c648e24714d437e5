"""The name of a host among those that share a database."""

import os
import re
import secrets
import socket
from pathlib import Path


def host_id(data: Path) -> str:
    """The host name with a few letters from the data folder, because a host can have several folders.

    A new data folder has a new id, so that its workers take no jobs from workers that still have them.
    """
    path = data / "host-id"
    if not path.exists():
        part = path.with_name(f".host-id-{secrets.token_hex(8)}")
        part.write_text(secrets.token_hex(4))
        try:
            # The workers of a host start together, and the first one decides.
            os.link(part, path)
        except FileExistsError:
            pass
        finally:
            part.unlink()
    name = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())[:40]
    return f"{name}-{path.read_text().strip()[:8]}"
