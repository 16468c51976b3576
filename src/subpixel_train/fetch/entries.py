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

    def fits(self, sha256: str, md5: str) -> bool:
        """Whether a file with these digests is the published one."""
        return (md5 if self.kind == "md5" else sha256).startswith(self.value)


@dataclass(frozen=True, slots=True)
class Download:
    """One file on a server.

    Attributes:
        file: its name here, and on a mirror.
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


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of pictures in an archive, and where it goes.

    Attributes:
        inside: how its path inside the archive ends, as ``"images/train"``.
        to: the folder under the data folder, as ``"train/bsds300-train"``.
        pictures: how many it has.
    """

    inside: str
    to: str
    pictures: int


@dataclass(frozen=True, slots=True)
class Pictures:
    """A data set, unpacked under the data folder.

    Attributes:
        name: in `subpixel data fetch NAME`.
        title: what it is.
        download: the archive.
        folders: what is taken out of it.
        licence: who may use it for what.
        pairs: True for a benchmark set in EDSR's layout: ``inside`` holds ``HR`` and ``LR_bicubic/X2`` … ``X4``, and
            ``to`` gets ``HR/xR``, cut to a multiple of R, and ``LR/xR``; `Folder.pictures` counts one factor's.
    """

    name: str
    title: str
    download: Download
    folders: tuple[Folder, ...]
    licence: str
    pairs: bool = False


Entry = Weights | Pictures
