"""`/docs`: the operations of a server on one plain page that loads nothing else."""

from html import escape
from typing import TYPE_CHECKING, cast

from fastapi import FastAPI
from starlette.responses import HTMLResponse

if TYPE_CHECKING:
    from cl_ml_tools.schemas import JSONObject

HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
METHODS = ("get", "put", "post", "delete", "patch")
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>body{{font-family:sans-serif;margin:2em auto;max-width:60em}}td{{padding:.2em 1em .2em 0}}</style>
<h1>{title} {version}</h1><p>{description}</p>
<p>All of it, for programs: <a href="openapi.json">openapi.json</a></p>
<table>{rows}</table></html>
"""
ROW = "<tr><td><code>{method}</code><td><code>{path}</code><td>{summary}"


def install(app: FastAPI) -> None:
    """Have an application answer it. FastAPI's own pages are scripts of another host: make it without them."""

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(page(cast("JSONObject", app.openapi())), headers=HEADERS)

    del docs


def page(document: "JSONObject") -> str:
    """The page of an OpenAPI document."""
    info = cast("dict[str, str]", document["info"])
    paths = cast("dict[str, dict[str, dict[str, str]]]", document["paths"])
    rows = [
        ROW.format(method=method.upper(), path=escape(path), summary=escape(item[method].get("summary", "")))
        for path, item in paths.items()
        for method in METHODS
        if method in item
    ]
    return PAGE.format(
        title=escape(info["title"]),
        version=escape(info["version"]),
        description=escape(info.get("description", "")),
        rows="\n".join(rows),
    )
