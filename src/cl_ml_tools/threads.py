"""How many threads a native library may use: there is a worker for each core, so one."""

import os


def threads() -> int:
    """`CL_THREADS`, 1 unless it says otherwise; for servers with fewer workers than cores."""
    wanted = os.environ.get("CL_THREADS", "")
    return max(int(wanted), 1) if wanted.isascii() and wanted.isdigit() else 1
