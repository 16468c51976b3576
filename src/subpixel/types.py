"""Small values that the rooms hand to each other."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]
"""Samples as files hold them: 0–255 or 0–65535."""

Planes: TypeAlias = NDArray[np.float32]
"""Samples to compute with, channels first: (channels, height, width), 0–1 unless said otherwise."""


def empty_pixels(shape: tuple[int, ...], bits: int) -> Pixels:
    """Memory for samples of 8 or 16 bits, not filled."""
    return np.empty(shape, np.uint8) if bits == 8 else np.empty(shape, np.uint16)


Samples: TypeAlias = Pixels | Planes
"""Channels first, (channels, height, width): samples as files hold them, or float32 in 0–1."""

Precision: TypeAlias = Literal["fp32", "bf16", "int8"]
PrecisionChoice: TypeAlias = Literal["auto", "fp32", "bf16", "int8"]


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in pixels."""

    width: int
    height: int

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.width * self.height

    @property
    def beginning(self) -> int:
        """Rows of a picture's beginning, by which it is judged."""
        return min(self.height, max(64, BEGINNING // self.width))

    def times(self, factor: int) -> Size:
        """The size `factor` times as wide and as high."""
        return Size(self.width * factor, self.height * factor)

    def __str__(self) -> str:
        return f"{self.width}×{self.height}"


Quality: TypeAlias = Literal["fast", "balanced", "best"]
"""How much time a better picture is worth: the least, a little, whatever it takes."""

Chroma: TypeAlias = Literal["grey", "4:4:4", "4:2:2", "4:4:0", "4:2:0", "4:1:1", "4:1:0"]
"""How many samples of colour stand beside those of luma; ``"grey"`` where there is no colour."""


@dataclass(frozen=True, slots=True)
class Coding:
    """How a file with loss was coded, as far as the file itself tells.

    Attributes:
        name: of the format for people, ``"JPEG"``.
        quality: 1–100 on the scale of the usual encoder (libjpeg, libwebp); an estimate where another one was used.
        chroma: samples of colour beside those of luma; None where the file does not tell.
    """

    name: str
    quality: int
    chroma: Chroma | None = None


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a picture file carries beside its pixels. Everything here survives upscaling where the format can hold it.

    Attributes:
        format: name of the file's format as in `subpixel.image.FORMATS` (``"png"``, ``"jpeg"``, …); None for arrays.
        icc: ICC profile that describes the pixels, as stored.
        exif: EXIF block as libvips holds it (starts with ``Exif\\0\\0``); its orientation has been applied and reset.
        xmp: XMP packet.
        iptc: IPTC block.
        dpi: horizontal and vertical resolution, dots per inch; None where the file states none.
        delays: display time of every frame in milliseconds, one per frame; empty for a still picture.
        loop: how often an animation repeats, 0 for ever.
        comments: text comments of the file, as (key, text).
        lossless: True where a format with both kinds (WebP, AVIF) was coded without loss.
        bits: bits per sample in the file where they are neither 8 nor 16 (AVIF: 10 or 12), else 0.
    """

    format: str | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    dpi: tuple[float, float] | None = None
    delays: tuple[int, ...] = ()
    loop: int = 0
    comments: tuple[tuple[str, str], ...] = ()
    lossless: bool = False
    bits: int = 0


BEGINNING: Final = 16_000_000
"""Pixels of a picture's first rows that it is judged by: of a larger one no more need to be there at once."""


class PictureLike(Protocol):
    """What is known of a picture, whether its pixels are in memory (`Picture`) or come in strips (`PictureStream`)."""

    @property
    def metadata(self) -> Metadata:
        """Everything in the file but the pixels."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """One line for each thing that reading changed."""
        ...

    @property
    def coding(self) -> Coding | None:
        """How the file was coded with loss; None where it was not, or is not known."""
        ...

    @property
    def frames(self) -> int:
        """Number of frames."""
        ...

    @property
    def size(self) -> Size:
        """Width and height of a frame."""
        ...

    @property
    def channels(self) -> int:
        """1 grey, 2 grey + alpha, 3 RGB, 4 RGB + alpha."""
        ...

    @property
    def has_alpha(self) -> bool:
        """True where the last channel is alpha."""
        ...

    @property
    def bits(self) -> int:
        """Bits per sample, 8 or 16."""
        ...

    @property
    def beginning(self) -> Picture:
        """Its first rows: all of them where it has no more than `BEGINNING` pixels."""
        ...


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture, upright.

    Attributes:
        pixels: (frames, height, width, channels), uint8 or uint16, C-contiguous; channels are 1 grey, 2 grey + alpha,
            3 RGB, 4 RGB + alpha. Alpha is straight (not premultiplied). One frame unless animated.
        metadata: everything else in the file.
        notes: one line for each thing that reading changed ("CMYK converted to sRGB by its profile").
        coding: how the file these pixels stood in was coded with loss; None where it was not, or is not known.
    """

    pixels: Pixels
    metadata: Metadata = field(default_factory=Metadata)
    notes: tuple[str, ...] = ()
    coding: Coding | None = None

    @property
    def frames(self) -> int:
        """Number of frames."""
        return int(self.pixels.shape[0])

    @property
    def size(self) -> Size:
        """Width and height of a frame."""
        return Size(int(self.pixels.shape[2]), int(self.pixels.shape[1]))

    @property
    def channels(self) -> int:
        """1 grey, 2 grey + alpha, 3 RGB, 4 RGB + alpha."""
        return int(self.pixels.shape[3])

    @property
    def has_alpha(self) -> bool:
        """True where the last channel is alpha."""
        return self.channels in (2, 4)

    @property
    def bits(self) -> int:
        """Bits per sample, 8 or 16."""
        return 8 if self.pixels.dtype == np.uint8 else 16

    @property
    def beginning(self) -> Picture:
        """See `PictureLike`."""
        rows = self.size.beginning
        return self if rows == self.size.height else self.with_pixels(self.pixels[:, :rows])

    def with_pixels(self, pixels: Pixels) -> Picture:
        """The same picture with other pixels, metadata kept."""
        return replace(self, pixels=pixels)


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """A network ready for an engine.

    The ONNX graph has one input (N, channels, H, W) and for each of `scales`, in that order, one output
    (N, channels, scale·H, scale·W), all float32 with dynamic N, H and W. Samples within `halo` input pixels of the
    border may depend on the padding inside the network: callers pad by `halo` and cut `scale · halo` off the result.

    Attributes:
        name: of the model.
        onnx: the file.
        scale: factor of the largest output.
        channels: 1 or 3.
        halo: receptive radius, input pixels.
        scales: factor of every output, rising; ``(scale,)`` where nothing else is given.
        align: H and W have to be multiples of it, and `halo` counts up to the next multiple.
        int8: True where it is in QDQ form: pairs of QuantizeLinear and DequantizeLinear tell how to round.
    """

    name: str
    onnx: bytes
    scale: int
    channels: int
    halo: int
    scales: tuple[int, ...] = ()
    align: int = 1
    int8: bool = False

    def __post_init__(self) -> None:
        if not self.scales:
            object.__setattr__(self, "scales", (self.scale,))
