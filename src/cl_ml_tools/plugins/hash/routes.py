"""The submit route of the hash task."""

from cl_ml_tools.plugins.hash.schema import HashOutput, HashParams
from cl_ml_tools.submit import SubmitRoute

create_router = SubmitRoute(
    "hash", HashParams, HashOutput, summary="Fingerprint a file", file="The file to fingerprint."
).router
