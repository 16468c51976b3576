"""Frames of FFmpeg to planes of samples and back, without a copy on the way in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from subpixel.types import Size
from subpixel.video.planes import Planes, Siting
from subpixel.video.tags import FULL, LIMITED, Tags

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_FULL_NAMES: Final = {"yuvj420p": "yuv420p", "yuvj422p": "yuv422p", "yuvj440p": "yuv440p", "yuvj444p": "yuv444p"}
"""Sample formats that say full range by their name, and what they are besides."""

_DIRECT: Final = frozenset(
    f"{stem}{tail}"
    for stem in ("yuv420p", "yuv422p", "yuv444p", "gray")
    for tail in ("", "10le", "12le", "14le", "16le")
)
"""Sample formats whose planes are handed on as they are."""

PLANAR: Final = ("gray", *(f"yuv{kind}p{bits}" for kind in ("420", "422", "444") for bits in ("", "10le", "12le")))
"""Sample formats to compute in where no encoder has a say."""


def plain(name: str) -> str:
    """A sample format without what its name says about range."""
    return _FULL_NAMES.get(name, name)


def says_full(name: str) -> bool:
    """True for sample formats of full range."""
    return name in _FULL_NAMES


def is_direct(name: str) -> bool:
    """True where the planes of that sample format can be computed with as they are."""
    return plain(name) in _DIRECT


def working_format(name: str, encodable: Sequence[str]) -> str:
    """The sample format to compute in: the source's own if it can be coded, or else what loses the least.

    Args:
        name: the source's sample format.
        encodable: what the encoder takes.
    """
    from av.codec.codec import find_best_pix_fmt_of_list

    able = [one for one in encodable if one in _DIRECT]
    if plain(name) in able:
        return plain(name)
    best, _ = find_best_pix_fmt_of_list(able, name)
    return best.name if best is not None else able[0]


def bits_of(name: str) -> int:
    """Bits per sample of a direct sample format."""
    tail = name.removesuffix("le").removeprefix("gray").rpartition("p")[2]
    return int(tail) if tail else 8


def depth_of(name: str) -> int:
    """Bits per sample of any sample format."""
    from av.video.format import VideoFormat

    return max(part.bits for part in VideoFormat(name).components)


def halved(name: str) -> tuple[bool, bool]:
    """Whether a sample has but half as many columns and rows of chroma."""
    return "420" in name or "422" in name, "420" in name


def to_planes(frame: VideoFrame, name: str, size: Size, tags: Tags, siting: Siting = "left") -> Planes:
    """The samples of a decoded frame; a view into it where it has the wanted format, converted by libswscale where not.

    Args:
        frame: the frame.
        name: a direct sample format.
        size: of the result.
        tags: what the result's samples mean.
        siting: where chroma stands.
    """
    if plain(frame.format.name) != name or (frame.width, frame.height) != (size.width, size.height):
        frame = _converted(frame, name, size, tags)
    bits = bits_of(name)
    views = [_view(frame, index, bits) for index in range(len(frame.planes))]
    grey = name.startswith("gray")
    return Planes(
        y=views[0],
        u=None if grey else views[1],
        v=None if grey else views[2],
        bits=bits,
        full_range=tags.full,
        matrix=tags.kind,
        siting=siting,
    )


def _converted(frame: VideoFrame, name: str, size: Size, tags: Tags) -> VideoFrame:
    """Through libswscale, into the matrix and range of `tags`."""
    rgb = frame.format.is_rgb
    full = says_full(frame.format.name) or (frame.color_range == FULL and not rgb)
    spaces = {"bt709": 1, "bt601": 5, "bt2020": 9}
    return frame.reformat(
        size.width,
        size.height,
        format=name,
        src_colorspace=None if rgb else spaces[tags.kind],
        dst_colorspace=spaces[tags.kind],
        src_color_range=FULL if rgb or full else LIMITED,
        dst_color_range=tags.range,
        interpolation="BICUBIC",
    )


def _view(frame: VideoFrame, index: int, bits: int) -> NDArray[Any]:
    """The samples of one plane, where the frame keeps them; the array keeps the frame."""
    plane = frame.planes[index]
    kind = np.dtype(np.uint8) if bits == 8 else np.dtype("<u2")
    rows = np.frombuffer(plane, kind, count=plane.height * plane.line_size // kind.itemsize)  # type: ignore[call-overload]
    whole: NDArray[Any] = rows.reshape(plane.height, plane.line_size // kind.itemsize)
    return whole[:, : plane.width]


def to_frame(planes: Planes, name: str, size: Size, tags: Tags) -> VideoFrame:
    """A frame for the encoder.

    Args:
        planes: samples in the format `name`, at least as many as `size` asks for; what is beyond is cut off.
        name: a direct sample format.
        size: of the frame.
        tags: what the samples mean.
    """
    from av.video.frame import VideoFrame

    frame = VideoFrame(size.width, size.height, name)
    for index, plane in enumerate((planes.y, planes.u, planes.v)[: len(frame.planes)]):
        view = _view(frame, index, bits_of(name))
        assert plane is not None
        view[:] = plane[: view.shape[0], : view.shape[1]]
    frame.color_range = tags.range
    frame.colorspace = tags.matrix
    frame.color_primaries = tags.primaries
    frame.color_trc = tags.transfer
    return frame
