"""The picture formats that are read and written: one row each, and nothing about a format anywhere else.

Adding a format is one row here, and a module in `containers` where its metadata need handling of their own. The tests
of this room run over the table, so a new row arrives tested.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

from subpixel.errors import PictureUnreadable, PictureUnsupported, SettingError

Option = str | int | bool
"""A value handed to a libvips saver."""


def _options(**values: Option) -> Mapping[str, Option]:
    return MappingProxyType(values)


@dataclass(frozen=True, slots=True)
class Format:
    """What a format is called, and what it can hold.

    Attributes:
        name: short name, as in `--format`.
        title: name in messages.
        suffixes: file name suffixes, the usual one first.
        codec: stem of the libvips operations (``jpeg`` → ``jpegload``, ``jpegsave``), or ``"plain"`` for the formats
            that `subpixel.image.plain` codes itself.
        bits: bits per sample that can be written, rising.
        alpha: ``"full"``, ``"binary"`` (a pixel is transparent or not) or ``"none"``.
        grey: stores grey as one channel, with alpha beside it (``"full"``) or not (``"opaque"``); otherwise grey is
            stored as equal RGB, and nothing is lost.
        colours: most colours in a frame.
        animation: holds frames with times.
        pages: holds several pages without times.
        delay_step: times of frames are multiples of so many milliseconds.
        icc, exif, xmp, iptc, comments: holds that kind of metadata.
        dpi: where the resolution stands: in a field of the format's ``"own"``, in ``"exif"``, or ``"none"``.
        max_side: most pixels in width or height.
        by_rows: coded from the top down while rows below are still being made; others need the whole picture.
        coding: ``"lossless"``, ``"lossy"``, or ``"both"`` (the caller chooses).
        quality: quality (1–100) of lossy coding unless the caller gives one; 0 where there is none.
        options: libvips options for every file.
        lossy_options: libvips options added for lossy coding.
        lossless_options: libvips options added for lossless coding.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    codec: str
    bits: tuple[int, ...] = (8,)
    alpha: Literal["none", "binary", "full"] = "none"
    grey: Literal["none", "opaque", "full"] = "none"
    colours: int = 2**48
    animation: bool = False
    pages: bool = False
    delay_step: int = 1
    icc: bool = False
    exif: bool = False
    xmp: bool = False
    iptc: bool = False
    dpi: Literal["none", "own", "exif"] = "none"
    comments: bool = False
    max_side: int = 1_000_000
    by_rows: bool = False
    coding: Literal["lossless", "lossy", "both"] = "lossless"
    quality: int = 0
    options: Mapping[str, Option] = field(default_factory=_options)
    lossy_options: Mapping[str, Option] = field(default_factory=_options)
    lossless_options: Mapping[str, Option] = field(default_factory=_options)

    @property
    def many(self) -> bool:
        """True where a file can hold several frames or pages."""
        return self.animation or self.pages


FORMATS: Final[tuple[Format, ...]] = (
    Format(
        name="png",
        title="PNG",
        suffixes=(".png",),
        codec="png",
        by_rows=True,
        bits=(8, 16),
        alpha="full",
        grey="full",
        icc=True,
        exif=True,
        xmp=True,
        dpi="own",
        comments=True,
        # Enlarged photographs are smooth: the mean of two neighbours foretells a sample best, and quickly. What the
        # settings of all formats cost and give stands under "Encoders" in benchmarks/results.md.
        options=_options(compression=3, filter="avg"),
    ),
    Format(
        name="jpeg",
        title="JPEG",
        suffixes=(".jpg", ".jpeg", ".jpe", ".jfif"),
        codec="jpeg",
        by_rows=True,
        grey="opaque",
        icc=True,
        exif=True,
        xmp=True,
        iptc=True,
        dpi="own",
        comments=True,
        max_side=65_500,  # libjpeg's own limit, a little under the 65,535 of the standard
        coding="lossy",
        quality=95,
        # Whoever enlarges a picture wants its edges: chroma stays at full resolution (4:4:4). Optimised or progressive
        # coding is four to six times slower for 3 to 7% of the size, and would need the whole picture.
        options=_options(subsample_mode="off"),
    ),
    Format(
        name="webp",
        title="WebP",
        suffixes=(".webp",),
        codec="webp",
        alpha="full",
        animation=True,
        icc=True,
        exif=True,
        xmp=True,
        dpi="exif",
        max_side=16_383,
        coding="both",
        quality=92,
        # The same photo: effort 2 1.1 s and 0.64 MB, effort 4 (the default) 2.2 s and 0.63 MB; "smart" subsampling adds
        # 3 s for 0.3 dB. Without loss: effort 1 8.5 s and 4.3 MB, effort 2 15 s for the same size.
        lossy_options=_options(effort=2, alpha_q=100),
        lossless_options=_options(lossless=True, exact=True, effort=1),
    ),
    Format(
        name="tiff",
        title="TIFF",
        suffixes=(".tif", ".tiff"),
        codec="tiff",
        by_rows=True,
        bits=(8, 16),
        alpha="full",
        grey="full",
        pages=True,
        icc=True,
        exif=True,
        xmp=True,
        iptc=True,
        dpi="own",
        # The same photo: deflate 1.03 s and 7.2 MB, LZW 0.37 s and 7.8 MB; every program reads LZW.
        options=_options(compression="lzw", predictor="horizontal"),
    ),
    Format(
        name="avif",
        title="AVIF",
        suffixes=(".avif",),
        codec="heif",
        bits=(8, 10, 12),
        alpha="full",
        icc=True,
        exif=True,
        xmp=True,
        dpi="exif",
        max_side=65_536,
        coding="both",
        quality=85,
        # The same photo: effort 0 2.3 s and 0.62 MB; efforts 1 and 2 4.9 s and 11 s for the same size; 3 14 s, 0.52 MB.
        options=_options(compression="av1", effort=0),
        lossy_options=_options(subsample_mode="off"),
        lossless_options=_options(lossless=True),
    ),
    Format(
        name="gif",
        title="GIF",
        suffixes=(".gif",),
        codec="gif",
        alpha="binary",
        colours=256,
        animation=True,
        delay_step=10,
        comments=True,
        max_side=65_535,
        options=_options(effort=4),
    ),
    Format(
        name="bmp",
        title="BMP",
        suffixes=(".bmp", ".dib"),
        codec="plain",
        alpha="full",
        grey="opaque",
        dpi="own",
        max_side=65_535,
    ),
    Format(
        name="ppm",
        title="PPM",
        suffixes=(".ppm", ".pgm", ".pnm"),
        codec="plain",
        bits=(8, 16),
        grey="opaque",
    ),
)
"""Every format, in the order in which help and documents name them."""

_BY_NAME: Final = {row.name: row for row in FORMATS}
_BY_SUFFIX: Final = {suffix: row for row in FORMATS for suffix in row.suffixes}

BMP_HEADERS: Final = (12, 40, 52, 56, 64, 108, 124)
"""Lengths of the headers that BMP files have."""
_SIGNATURES: Final[Mapping[str, tuple[bytes, ...]]] = {
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpeg": (b"\xff\xd8\xff",),
    "tiff": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "gif": (b"GIF87a", b"GIF89a"),
}
_FOREIGN: Final[tuple[tuple[int, bytes, str], ...]] = (
    (4, b"ftypheic", "a HEIC picture"),
    (4, b"ftypheix", "a HEIC picture"),
    (4, b"ftyphevc", "a HEIC sequence"),
    (4, b"ftypmif1", "a HEIF picture"),
    (4, b"ftypmsf1", "a HEIF sequence"),
    (4, b"ftypcrx ", "a camera raw file"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (4, b"JXL \r\n\x87\n", "a JPEG XL picture"),
    (4, b"jP  \r\n\x87\n", "a JPEG 2000 picture"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"gimp xcf", "a GIMP document"),
    (0, b"v/1\x01", "an OpenEXR picture"),
    (0, b"#?RADIANCE", "a Radiance HDR picture"),
    (0, b"qoif", "a QOI picture"),
    (0, b"P7\n", "a PAM picture"),
    (0, b"PF\n", "a picture of 32-bit float samples"),
    (0, b"Pf\n", "a picture of 32-bit float samples"),
    (0, b"DDS ", "a DDS texture"),
    (0, b"\0\0\1\0", "a Windows icon"),
    (0, b"FUJIFILMCCD-RAW", "a camera raw file"),
    (0, b"IIRO", "a camera raw file"),
    (0, b"IIU\0", "a camera raw file"),
    (0, b"%PDF", "a PDF document"),
    (0, b"<svg", "an SVG drawing"),
    (0, b"<?xml", "an XML document"),
    (4, b"ftyp", "a video or a HEIF picture"),
    (0, b"\x1aE\xdf\xa3", "a video"),
)
"""Kinds of file that people do try, by offset and bytes, so that the message can name them."""


def by_name(name: str) -> Format:
    """The format of that name or suffix (``jpeg``, ``jpg``, ``.JPG``).

    Raises:
        SettingError: no such format; the nearest name is in the hint.
    """
    key = name.strip().lower()
    row = _BY_NAME.get(key) or _BY_SUFFIX.get(key if key.startswith(".") else f".{key}")
    if row is None:
        from difflib import get_close_matches  # 2 ms that only a typing error should cost

        near = get_close_matches(key, _BY_NAME, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise SettingError(f"unknown format {name!r}", f"{hint}formats are {', '.join(_BY_NAME)}")
    return row


def by_suffix(suffix: str) -> Format | None:
    """The format that goes by a file name suffix, dot included, in any case; None where there is none."""
    return _BY_SUFFIX.get(suffix.lower())


def sniff(head: bytes, name: str) -> Format:
    """The format of a file, from its first bytes: never from its name.

    Args:
        head: the first 64 bytes.
        name: what to call the file in messages.

    Raises:
        PictureUnreadable: empty, or not a picture.
        PictureUnsupported: a picture of a kind that is not read here.
    """
    found = _signature(head)
    if found is not None:
        return _BY_NAME[found]
    if not head:
        raise PictureUnreadable(f"{name} is empty", "0 bytes: copy it again from its source")
    for offset, magic, what in _FOREIGN:
        if head[offset : offset + len(magic)] == magic:
            raise PictureUnsupported(f"{name} is {what}", "convert it to PNG or TIFF first")
    raise PictureUnreadable(
        f"{name} is not a picture", f"it starts with {_quoted(head)}; formats are {', '.join(_BY_NAME)}"
    )


def _signature(head: bytes) -> str | None:
    for name, starts in _SIGNATURES.items():
        if head.startswith(starts):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in BMP_HEADERS:
        return "bmp"
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3] in (b" ", b"\t", b"\n", b"\r", b"#"):
        return "ppm"
    if head[4:8] == b"ftyp" and (b"avif" in head[8:64] or b"avis" in head[8:64]):
        return "avif"
    return None


def _quoted(head: bytes) -> str:
    """The first bytes as text where they are text, else in hexadecimal."""
    start = head[:16]
    text = start.decode("ascii", "replace")
    if all(c.isprintable() or c in "\r\n\t" for c in text) and "�" not in text:
        return repr(text.split("\n", maxsplit=1)[0].strip() or text)
    return start[:8].hex(" ")
