"""Parameters that come from other libraries are what they look like."""

import array
from fractions import Fraction

import numpy as np
import pytest

from cl_api.compute.models import BodyCreateHlsStreamingJob
from cl_api.compute.types import UNSET, File
from cl_client.errors import InvalidParameterError
from cl_client.jobs.plain_value import plain, plain_body
from cl_plugins.media_thumbnail import GENERATE


@pytest.mark.parametrize(
    ("value", "same"),
    [
        (np.int64(64), 64),
        (np.uint8(200), 200),
        (np.float32(0.5), 0.5),
        (np.float64(0.5), 0.5),
        (np.bool_(True), True),
        (np.array([1, 2]), [1, 2]),
        (np.array(7), 7),
        (array.array("f", [1.5]), [1.5]),
        (Fraction(1, 2), 0.5),
        ([np.int8(1), {"a": (np.int8(2),)}], [1, {"a": [2]}]),
        ("64", "64"),
        (None, None),
        (True, True),
        (UNSET, UNSET),
    ],
)
def test_a_value_is_the_one_that_python_has(value: object, same: object):
    found = plain(value)
    assert found == same
    assert type(found) is type(same) or isinstance(value, np.float64)


def test_a_body_has_what_it_holds_as_python_has_it():
    file = File(b"x")
    body = BodyCreateHlsStreamingJob(
        file=file,
        priority=np.int64(3),  # type: ignore[arg-type]  # an integer of NumPy is none for a type checker
        variants=[{"bitrate": np.int32(9)}],  # type: ignore[dict-item]
    )
    assert plain_body(body).to_form() == {"priority": "3", "variants": ['{"bitrate": 9}']}
    assert plain_body(body).file is file


@pytest.mark.parametrize("width", [np.int64(-1), np.float32(0.5), Fraction(1, 3)])
def test_bounds_hold_for_numbers_of_other_libraries(width: object):
    with pytest.raises(InvalidParameterError, match=r"width is .*at least 1"):
        GENERATE.check(width=width)
