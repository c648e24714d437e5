"""What the jobs of a kind give: the class of their output, and their file where there is only one."""

from __future__ import annotations

from typing import Final

from cl_codegen.model.contract import WHOLE_ANSWER, KindContract
from cl_codegen.model.job_routes import kinds_of
from cl_codegen.wire.types import NONE, Model, Type, Union
from cl_codegen.wire.wire import Wire

_ENDINGS: Final = {
    "application/zip": ".zip",
    "application/pdf": ".pdf",
    "application/x-tar": ".tar",
    "application/gzip": ".gz",
    "audio/mpeg": ".mp3",
    "audio/wav": ".wav",
    "audio/x-wav": ".wav",
    "image/gif": ".gif",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "text/csv": ".csv",
    "text/html": ".html",
    "text/markdown": ".md",
    "text/plain": ".txt",
    "text/vtt": ".vtt",
    "video/mp4": ".mp4",
}


def output_class(kind: KindContract, wire: Wire) -> str | None:
    """The class of the output of jobs: of the answer of the route that gives it, or of the field of a state."""
    result = kind.routes.operations.get("result")
    operation = result or kind.routes.operations["job"]
    type = next(
        (
            reply.type
            for one in wire.operations
            if operation.pointer == f"#/paths/{_escaped(one.path)}/{one.method}"
            for reply in one.replies
            if reply.first < 300 and reply.kind == "json"
        ),
        None,
    )
    if result is None:
        word = kind.called("task_output")[0]
        for step in word.split(".") if word != WHOLE_ANSWER else ():
            model = _model(type)
            type = next((one.type for one in model.properties if one.wire_name == step), None) if model else None
    model = _model(type)
    return model.name if model is not None else None


def artifact_of(kind: KindContract) -> str | None:
    """The path of the file of a job, where its route gives one alone: a name with an ending, where it has one type."""
    route = kind.routes.file
    if route is None or "{path}" in route.raw:
        return None
    types = [media.partition(";")[0].strip().lower() for media in kinds_of(kind.routes.operations["file"])]
    return "output/result" + (_ENDINGS.get(types[0], "") if len(types) == 1 else "")


def _model(type: Type | None) -> Model | None:
    if isinstance(type, Union):
        inner = [member for member in type.members if member != NONE]
        return _model(inner[0]) if len(inner) == 1 else None
    return type if isinstance(type, Model) else None


def _escaped(path: str) -> str:
    return path.replace("~", "~0").replace("/", "~1")
