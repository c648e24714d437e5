"""A pytest plugin: the process has httpx2 where a module imports httpx (`python -m pytest -p tests.under_httpx2 …`).

It has to be the first that is imported, so it is named and no conftest.
"""

import httpx2

httpx2.alias_httpx()
