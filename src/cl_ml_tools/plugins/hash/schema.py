"""Parameters and output of the hash task."""

from typing import Literal

from pydantic import BaseModel, Field

from cl_ml_tools.schemas import BaseJobParams


class HashParams(BaseJobParams):
    """Fingerprint a file: SHA-256 and MD5 of its bytes, perceptual hashes of its picture."""

    algorithm: Literal["all", "phash", "dhash", "sha256", "md5"] = Field(
        default="all", description="Which fingerprint; `all` leaves out the perceptual ones where no image can be read."
    )


class HashOutput(BaseModel):
    """Fingerprints in hexadecimal; `null` where one was not asked for, or no picture can be read."""

    phash: str | None = Field(default=None, description="Perceptual hash (DCT), 64 bits.")
    dhash: str | None = Field(default=None, description="Difference hash, 64 bits.")
    sha256: str | None = Field(default=None, description="SHA-256 of the file.")
    md5: str | None = Field(default=None, description="MD5 of the file.")
    hash_version: int | None = Field(
        default=None,
        description="How phash and dhash were made: compare only those of one version. Until 0.1.0 it was 1, unsaid.",
    )
