"""Parameters and output of the hash task."""

from typing import Literal

from pydantic import BaseModel, Field

from cl_ml_tools.schemas import BaseJobParams


class HashParams(BaseJobParams):
    """Fingerprint a file: SHA-256 and MD5 of its bytes, and perceptual hashes if it is an image."""

    algorithm: Literal["all", "phash", "dhash", "sha256", "md5"] = Field(
        default="all", description="The hash to compute. `all` skips perceptual hashes if the file is not an image."
    )


class HashOutput(BaseModel):
    """Hashes in hexadecimal. `null` if a hash was not requested, or if the file is not an image."""

    phash: str | None = Field(default=None, description="Perceptual hash (DCT), 64 bits.")
    dhash: str | None = Field(default=None, description="Difference hash, 64 bits.")
    sha256: str | None = Field(default=None, description="SHA-256 of the file.")
    md5: str | None = Field(default=None, description="MD5 of the file.")
    hash_version: int | None = Field(
        default=None,
        description="Version of phash and dhash. Compare only hashes of the same version. Without this field, it is 1.",
    )
