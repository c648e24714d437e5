"""Runs ONNX models with onnxruntime, on the processor; the only place that imports it."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

import numpy
from numpy.typing import NDArray

from cl_ml_tools.external_weights import external_weights
from cl_ml_tools.models import ModelError, sha256_of
from cl_ml_tools.threads import threads

Floats = NDArray[numpy.float32]
Numbers = NDArray[numpy.floating]
# The numbers that pictures may be handed to a model as. One that takes bytes was made for other values than ours.
TAKEN = {"tensor(float)": numpy.float32, "tensor(float16)": numpy.float16, "tensor(double)": numpy.float64}
# Where in the sources of onnxruntime an error was seen, and in which function.
PLACE = re.compile(r"^.*?/onnxruntime_src/\S+:\d+ .*?\) (?=[A-Z])", re.DOTALL)
CODE = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : (Load model from .*? failed:)?")


class Node(Protocol):
    """An input of a model; a side that is open has a name, or nothing, for its length."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def shape(self) -> Sequence[int | str | None]:
        """How many numbers it takes, in each direction."""
        ...

    @property
    def type(self) -> str:
        """What kind of numbers: `tensor(float)`."""
        ...


class Session(Protocol):
    """What is used of onnxruntime, which has no annotations."""

    def get_inputs(self) -> Sequence[Node]:
        """What the model takes."""
        ...

    def run(self, output_names: None, input_feed: Mapping[str, Numbers]) -> Sequence[Floats]:
        """What the model gives."""
        ...


class Options(Protocol):
    """How a session runs."""

    intra_op_num_threads: int
    inter_op_num_threads: int
    log_severity_level: int

    def add_session_config_entry(self, key: str, value: str) -> None:
        """Set an option that has no attribute."""
        ...


class Runtime(Protocol):
    """The module itself."""

    __version__: str
    SessionOptions: Callable[[], Options]

    def InferenceSession(self, path: str, options: Options, *, providers: Sequence[str]) -> Session:
        """Load a model."""
        ...


class OnnxModel:
    """A model that makes one vector of one picture: first input and first output, by position.

    Raises `ModelError` where the file is no model.
    """

    def __init__(self, path: Path) -> None:
        import onnxruntime

        runtime = cast("Runtime", cast("object", onnxruntime))
        options = runtime.SessionOptions()
        # There is a worker for each core already.
        options.intra_op_num_threads = threads()
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        if external_weights(path):
            # onnxruntime maps such files, and workers share them; but not what it packs in another order for itself.
            options.add_session_config_entry("session.disable_prepacking", "1")
        try:
            self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            # Its exceptions have no common class.
            raise ModelError(_refusal(path, error, runtime.__version__)) from error
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            names = ", ".join(each.name for each in inputs) or "none"
            raise ModelError(f"{path.name} takes {len(inputs)} inputs ({names}); export the image encoder alone")
        self._input = inputs[0]
        if self._input.type not in TAKEN:
            raise ModelError(
                f"{path.name} takes {self._input.type}; pictures are handed over as {', '.join(TAKEN)}: "
                "export the model without its own preprocessing"
            )
        self.name = path.name
        self.sha256 = sha256_of(path)

    def vector(self, picture: Floats) -> Floats:
        """The vector of a picture; of a sequence, its first row, which stands for all (the CLS token).

        Raises `ModelError` where the model does not take such a picture, or gives no numbers.
        """
        try:
            given = self._session.run(None, {self._input.name: picture.astype(TAKEN[self._input.type], copy=False)})[0]
        except Exception as error:
            shape = "×".join(str(side) for side in self._input.shape)
            sent = "×".join(map(str, picture.shape))
            raise ModelError(f"{self.name} takes {shape}, and not {sent} numbers") from error
        given = numpy.asarray(given)
        # Of one picture: a vector, one for each part of it, or one of which the sides are left.
        if (
            given.dtype.kind not in "fiu"
            or given.ndim == 0
            or (given.ndim > 1 and given.shape[0] != 1)
            or (given.ndim > 3 and given.size != given.shape[1])
        ):
            shape = "×".join(map(str, given.shape)) or "single"
            raise ModelError(
                f"{self.name} gives {shape} values ({given.dtype.name}), which are no vector of a picture; "
                "export the model with its embedding as the first output"
            )
        found = given[0, 0] if given.ndim == 3 else given
        flat = numpy.asarray(found, dtype=numpy.float32).reshape(-1)
        if flat.size == 0 or not bool(numpy.isfinite(flat).all()):
            raise ModelError(f"{self.name} gives values that are no numbers")
        return flat

    def describe(self, shape: tuple[int, ...] | None) -> str:
        """Try the model with a grey picture; how many numbers it gives."""
        grey = numpy.full(shape or (1, 3, 224, 224), 0.5, dtype=numpy.float32)
        return f"a vector of {self.vector(grey).size}"


def _refusal(path: Path, error: Exception, version: str) -> str:
    """Why onnxruntime does not load a file, in its own words and without its places, and what helps."""
    said = PLACE.sub("", CODE.sub("", str(error).strip())).replace(f"{path.parent}/", "").split("\n")[0]
    if "Protobuf parsing failed" in said:
        return f"{path.name} is no ONNX model that can be loaded ({type(error).__name__})"
    too_new = "IR version" in said or "opset" in said
    hint = "; install a newer onnxruntime, or export the model for an older one" if too_new else ""
    return f"{path.name} cannot be loaded by onnxruntime {version}: {said.rstrip('.')}{hint}"
