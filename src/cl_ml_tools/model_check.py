"""Trying model files, and putting those that work into their folder."""

import shutil
from pathlib import Path

from cl_extras.whole_file import publishing
from cl_ml_tools.external_weights import external_weights
from cl_ml_tools.models import YUNET, ModelError, ModelFile, digest_of, folder

# Each of the libraries is imported where it is needed: another may be missing.


def add(source: Path, model: ModelFile) -> Path:
    """Copy a model file into the folder, and the weights that lie beside it; it appears whole or not at all.

    Raises `ModelError` where it does not load, or where its weights would take the place of another model's.
    """
    check(source, model)
    target = folder() / (source.name if source.name in model.names else model.name)
    # They keep their names, which the model has in it, and may be in folders within its own.
    places = {file: target.parent / file.relative_to(source.parent) for file in external_weights(source)}
    for file, place in places.items():
        _refuse_to_replace(place, target, file)
    for file, place in {**places, source: target}.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        with publishing(place) as part:
            shutil.copyfile(file, part)
    return target


def _refuse_to_replace(place: Path, target: Path, file: Path) -> None:
    """Raise `ModelError` where the weights in a place are those of another model."""
    if not place.is_file() or digest_of(place) == digest_of(file):
        return
    for other in target.parent.glob("*.onnx"):
        if other != target and place in external_weights(other):
            raise ModelError(
                f"{place.name} is there already, with the weights of {other.name}; "
                "export this model with another name for its weights"
            )


def check(path: Path, model: ModelFile) -> str:
    """Load a model file and try it; what it takes and gives, in words. Raises `ModelError`."""
    # A library that is missing is another matter than a model that is bad.
    if model is YUNET:
        from cl_ml_tools.faces import try_yunet

        return try_yunet(path)
    absent = [str(file.relative_to(path.parent)) for file in external_weights(path) if not file.is_file()]
    if absent:
        raise ModelError(f"{path.name} keeps its weights in {', '.join(absent)}, which has to lie beside it")
    from cl_ml_tools.onnx_model import OnnxModel

    loaded = OnnxModel(path)
    return loaded.describe(model.shape)
