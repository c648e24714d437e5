"""`cl-client embeddings`: what can be said of vectors without a server."""

# Annotations are not strings here: cyclopts reads them.
import math
import shutil
from collections.abc import Sequence
from operator import mul
from typing import Annotated

from cyclopts import App, Parameter

from cl_client.cli.running.run import Run
from cl_client.cli.views.embedding_file import Embedding, read_embeddings
from cl_client.errors import InvalidParameterError
from cl_client.runtime.place import Place

app = App(name="embeddings", help="Compare saved embeddings.")


@app.command
def similar(
    files: Annotated[list[Place], Parameter(help=".npy files, results of --json, or - for stdin.", negative=())],
    /,
    *,
    run: Annotated[Run, Parameter(parse=False)],
) -> None:
    """Compare embeddings by cosine similarity: 1 is the same direction, 0 is unrelated.

    Each vector of a file with several vectors (faces) is compared. Vectors of different models can't be compared. A
    result contains the id of its model, and a .npy file doesn't.
    """
    vectors = [embedding for file in files for embedding in read_embeddings(file)]
    _expect_comparable(vectors)
    table = [[similarity(one, other) for other in vectors] for one in vectors]
    console = run.console
    if console.seen and _width(vectors) > shutil.get_terminal_size().columns:
        # What does not fit is printed as pairs, the most similar first.
        pairs = [(table[i][j], i, j) for i in range(len(vectors)) for j in range(i)]
        for value, i, j in sorted(pairs, reverse=True):
            console.line({}, f"{value:6.3f}  {vectors[j].name}  {vectors[i].name}", id="")
        return
    numbers = [str(number) for number in range(1, len(vectors) + 1)]
    console.results(
        ("FILE", "", *(f"{number:>6}" for number in numbers)),
        [
            (
                {
                    "file": one.name,
                    "similarity": {other.name: round(value, 6) for other, value in zip(vectors, values, strict=True)},
                },
                (one.name, number, *(f"{value:6.3f}" for value in values)),
            )
            for number, one, values in zip(numbers, vectors, table, strict=True)
        ],
    )


def similarity(one: Embedding, other: Embedding) -> float:
    """The cosine of the angle between two vectors, -1 to 1; 0 where one of them has no direction."""
    length = math.hypot(*one.vector) * math.hypot(*other.vector)
    product = math.fsum(map(mul, one.vector, other.vector))
    return max(-1.0, min(1.0, product / length)) if length else 0.0


def _expect_comparable(vectors: Sequence[Embedding]) -> None:
    if len(vectors) < 2:
        raise InvalidParameterError("one vector has nothing to be compared with: give two files")
    first = vectors[0]
    for other in vectors[1:]:
        if len(other.vector) != len(first.vector):
            raise InvalidParameterError(
                f"{first.name} has {len(first.vector)} numbers and {other.name} {len(other.vector)}: "
                "they are of different models"
            )
    known = [vector for vector in vectors if vector.model is not None]
    for other in known[1:]:
        if other.model != known[0].model:
            raise InvalidParameterError(
                f"{known[0].name} and {other.name} are of different models, whose vectors cannot be compared"
            )


def _width(vectors: Sequence[Embedding]) -> int:
    return max(len(vector.name) for vector in vectors) + 2 + len(str(len(vectors))) + 8 * len(vectors)
