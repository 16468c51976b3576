"""What the catalogue says of a data set or of pretrained weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Digest:
    """A published digest of a file.

    Attributes:
        kind: ``"sha256"``, ``"md5"``, or ``"sha256-start"`` where only the beginning is published, as in the names of
            PyTorch's weights.
        value: hexadecimal, lower case.
    """

    kind: Literal["sha256", "md5", "sha256-start"]
    value: str


@dataclass(frozen=True, slots=True)
class Download:
    """One file on a server.

    Attributes:
        file: its name here.
        addresses: where it is; the next is tried where one fails.
        size: bytes; None where none is published.
        digest: None where none is published: then what came first is taken as right, and recorded.
        archive: how it is packed; None for a file that is used as it is.
    """

    file: str
    addresses: tuple[str, ...]
    size: int | None = None
    digest: Digest | None = None
    archive: Literal["zip", "tar"] | None = None


@dataclass(frozen=True, slots=True)
class Weights:
    """Pretrained weights, kept in the cache.

    Attributes:
        name: in `subpixel data fetch NAME`.
        title: what they are.
        download: the file.
        licence: who may use them for what.
        also: other names under which people have the same weights; a file of that name is taken too.
    """

    name: str
    title: str
    download: Download
    licence: str
    also: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """Name of the file in the cache."""
        return self.download.file


def pytorch_file(file: str, size: int | None, digest: Digest) -> Download:
    """A file of torchvision's, at its lasting address."""
    return Download(file, (f"https://download.pytorch.org/models/{file}",), size, digest)
