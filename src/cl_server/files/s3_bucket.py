"""The connection to an S3 bucket, and what its errors are to us."""

import errno
import logging
import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from obstore.exceptions import BaseError
from obstore.store import ObjectStore, S3Store

from cl_server.files.protocol import StorageUnavailableError
from cl_server.settings_error import SettingsError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

# The time limit in seconds for requests of at most `SMALL` bytes.
QUICK = 5
SMALL = 1 << 20

# What a storage says that will not pass: of the bucket, of the key, of the region.
REFUSALS = (
    "NoSuchBucket",
    "InvalidBucketName",
    "AccessDenied",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidToken",
    "PermanentRedirect",
    "AuthorizationHeaderMalformed",
    "403 Forbidden",
    "401 Unauthorized",
)

log = logging.getLogger(__name__)


def connect(url: str) -> tuple[ObjectStore, ObjectStore]:
    """Two clients of the bucket of a URL, for small and for large requests. Credentials and endpoint are from the usual
    `AWS_…` variables.

    Raises `SettingsError`.
    """
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    if not re.fullmatch(r"s3://[^/]+(/.*)?", url):
        raise SettingsError("CL_STORAGE isn't the address of a bucket: write s3://bucket or s3://bucket/prefix")
    # A custom endpoint contains its scheme. Plain http is permitted if it is written there.
    options: ClientConfig = {"allow_http": endpoint.startswith("http://"), "connect_timeout": timedelta(seconds=2)}
    # The default is minutes, which is longer than clients wait.
    retry: RetryConfig = {"max_retries": 2, "retry_timeout": timedelta(seconds=4)}
    place: S3Config = {"endpoint": endpoint} if endpoint else {}
    quick = S3Store.from_url(
        url, client_options={**options, "timeout": timedelta(seconds=QUICK)}, retry_config=retry, **place
    )
    slow = S3Store.from_url(
        url,
        client_options={**options, "timeout": timedelta(seconds=60), "read_timeout": timedelta(seconds=10)},
        retry_config=retry,
        **place,
    )
    return quick, slow


@contextmanager
def told() -> Generator[None]:
    """Errors of obstore without details of the bucket: an object is missing, or the storage is unavailable."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, "the file storage has no such file") from error
    except BaseError as error:
        # The first line: what follows is how obstore's errors look inside.
        log.error("the file storage does not answer as it should: %s", first_line(error))
        raise StorageUnavailableError("the file storage does not answer") from error


def first_line(error: BaseException | None) -> str:
    """What a storage says, without what obstore adds below."""
    return str(error).strip().partition("\n")[0][:300]
