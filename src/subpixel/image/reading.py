"""Files → pictures: header first, then the limit, then the pixels, upright and in RGB or grey."""

from __future__ import annotations

import contextlib
import errno
import io
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import numpy as np

from subpixel.errors import PictureMissing, PictureTooLarge, PictureUnreadable, PictureUnsupported
from subpixel.image import containers, plain
from subpixel.image import exif as exif_block
from subpixel.image import xmp as xmp_packet
from subpixel.image.containers import Found
from subpixel.image.formats import Format, sniff
from subpixel.image.libvips import reason, to_memory, vips
from subpixel.image.profiles import from_cmyk
from subpixel.image.samples import is_opaque
from subpixel.types import Metadata, Picture, Pixels

DEFAULT_PIXEL_LIMIT: Final = 500_000_000
"""Most pixels (width × height × frames) that are decoded unless the caller allows more."""

TURNED: Final = (5, 6, 7, 8)
"""Orientations whose rows are the upright picture's columns."""
_HEAD: Final = 64
_CONVERTED: Final = {
    "cmyk": "CMYK",
    "lab": "Lab",
    "labs": "Lab",
    "labq": "Lab",
    "lch": "LCh",
    "cmc": "CMC",
    "xyz": "XYZ",
    "yxy": "Yxy",
    "hsv": "HSV",
    "oklab": "Oklab",
    "oklch": "Oklch",
}
_SAMPLES: Final = {
    "char": "signed 8-bit",
    "short": "signed 16-bit",
    "uint": "32-bit",
    "int": "signed 32-bit",
    "float": "32-bit float",
    "double": "64-bit float",
    "complex": "complex",
    "dpcomplex": "complex",
}


def read(source: str | Path | bytes, *, pixel_limit: int = DEFAULT_PIXEL_LIMIT) -> Picture:
    """Read a picture.

    What a file is, is told from its first bytes, never from its name. Orientation is applied, CMYK and Lab become
    sRGB, palettes and 1-bit samples are expanded; 16-bit samples stay 16-bit; 10 and 12 bits are spread over 16, so
    that white is 65535.

    Args:
        source: path, or the bytes of a file.
        pixel_limit: most pixels, width × height × frames, to decode.

    Returns:
        The picture; what reading changed is in its `notes`.

    Raises:
        PictureMissing: nothing at that path.
        PictureUnreadable: empty, truncated, damaged, or not a picture.
        PictureUnsupported: a picture of a kind that is not read here.
        PictureTooLarge: more pixels than `pixel_limit`.
    """
    with opened(source) as (file, name):
        head = file.read(_HEAD)
        row = sniff(head, name)
        if row.codec == "plain":
            return _read_plain(row, file, name, pixel_limit)
        found = containers.inspect(row.name, file)
        if found.unsupported:
            raise PictureUnsupported(f"{name} is {found.unsupported}", "save it as RGB in TIFF or PNG first")
        decoder = Decoder(row, file, source if isinstance(source, bytes) else None, name, pixel_limit)
        decoder.reduced = found.reduced
        pixels, image, notes = decoder.decode()
    return _finish(row, pixels, image, found, (*found.notes, *notes))


@contextlib.contextmanager
def opened(source: str | Path | bytes) -> Iterator[tuple[BinaryIO, str]]:
    """The source as an open file, and what to call it in messages."""
    if isinstance(source, bytes):
        yield io.BytesIO(source), "the data"
        return
    name = str(source)
    try:
        kind = Path(source).stat().st_mode
        if stat.S_ISDIR(kind):
            raise PictureUnreadable(f"{name} is a folder", "give a picture file")
        if not stat.S_ISREG(kind):
            raise PictureUnreadable(f"{name} is not a regular file", "give a picture file")
        with Path(source).open("rb") as file:
            yield file, name
    except FileNotFoundError as error:
        raise PictureMissing(f"{name} does not exist", "check the path") from error
    except NotADirectoryError as error:
        raise PictureMissing(f"{name} does not exist", "a part of the path is a file, not a folder") from error
    except PermissionError as error:
        raise PictureUnreadable(f"{name} cannot be opened", "no permission to read it") from error
    except ValueError as error:
        raise PictureMissing(f"{name!r} is not a path", str(error)) from error
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise PictureMissing(f"{name[:60]}… does not exist", "the name is too long") from error
        raise PictureUnreadable(f"{name} cannot be read", error.strerror or str(error)) from error


class Decoder:
    """Decodes one file through libvips."""

    def __init__(self, row: Format, file: BinaryIO, data: bytes | None, name: str, pixel_limit: int) -> None:
        self.row = row
        self.file = file
        self.data = data  # libvips does not copy it: it has to live as long as the image
        self.name = name
        self.pixel_limit = pixel_limit
        self.notes: list[str] = []
        self.pages: dict[str, int] = {}
        self.reduced = False  # True where all further pages are the first one at smaller sizes

    def decode(self) -> tuple[Pixels, Any, tuple[str, ...]]:
        """Pixels (frames, H, W, C), the libvips image for its metadata, and notes."""
        self.header()
        try:
            pixels, image = self._pixels("warning" if self.warns else "error")
        except vips().Error as warned:
            if not self.warns:
                raise self.unreadable(warned) from warned
            try:
                pixels, image = self._pixels("error")
            except vips().Error as error:
                raise self.unreadable(error) from error
            self.notes.append(damaged_but_read(warned))
        return pixels, image, tuple(self.notes)

    @property
    def warns(self) -> bool:
        """True where small damage, which may be read over, is told from large: libjpeg alone does, by a warning."""
        return self.row.name == "jpeg"

    def _load(self, fail_on: str, **options: int) -> Any:
        pyvips = vips()
        if self.data is None:
            self.file.seek(0)
            source = pyvips.Source.new_from_descriptor(self.file.fileno())
        else:
            source = pyvips.Source.new_from_memory(self.data)
        if self.row.codec == "tiff":
            options["unlimited"] = True  # single-strip files of more than 20 MB are common; the pixel limit guards
        return pyvips.Operation.call(
            f"{self.row.codec}load_source", source, access="sequential", fail_on=fail_on, **options
        )

    def header(self) -> Any:
        """The image as its header describes it, and in `pages` whether all of its frames can be read together.

        Raises:
            PictureUnreadable: damaged.
            PictureTooLarge: over the limit.
        """
        image = self._described()
        self._check_size(image)
        return image

    def _described(self) -> Any:
        try:
            if not self.row.many:
                image = self._load("error")
                if image.get_typeof("n-pages") and image.get("n-pages") > 1:
                    self.notes.append(
                        f"{self.row.title} holds {image.get('n-pages')} pictures: only the main one is used"
                    )
                return image
            try:
                image = self._load("error", n=-1)
                self.pages = {"n": -1}
            except vips().Error:
                image = self._load("error")
                count = image.get("n-pages") if image.get_typeof("n-pages") else 1
                if count > 1 and not self.reduced:
                    self.notes.append(f"{count} pages of different kinds or sizes: only the first is used")
            return image
        except vips().Error as error:
            raise self.unreadable(error) from error

    def _check_size(self, image: Any) -> None:
        height = self.page_height(image)
        check_limit(self.name, image.width, height, image.height // height, self.pixel_limit)

    @staticmethod
    def page_height(image: Any) -> int:
        """Rows of a frame."""
        height = image.get("page-height") if image.get_typeof("page-height") else 0
        return height if height > 0 and image.height % height == 0 else image.height

    def lazy(self, fail_on: str) -> Any:
        """The picture as 8- or 16-bit grey or RGB with or without alpha, after `header`. No pixels are read yet.

        Raises:
            pyvips.Error: damaged; or when its pixels are read, and then also at what `fail_on` names.
        """
        loaded = self._load(fail_on, **self.pages)
        self._check_size(loaded)  # the file may have changed since
        return self._converted(loaded)

    def _pixels(self, fail_on: str) -> tuple[Pixels, Any]:
        image = self.lazy(fail_on)
        frames = image.height // self.page_height(image)
        dtype = np.uint8 if image.format == "uchar" else np.uint16
        flat = np.frombuffer(to_memory(image), dtype)
        pixels = cast(Pixels, flat.reshape(frames, image.height // frames, image.width, image.bands))
        return pixels, image

    def _converted(self, image: Any) -> Any:
        """The image as 8- or 16-bit grey or RGB with or without alpha. Lazy: no pixels are read yet."""
        kind = image.interpretation
        if kind in _CONVERTED:
            image, note = from_cmyk(image) if kind == "cmyk" else self._from_other(image)
            self._note(note)
        if image.format not in ("uchar", "ushort"):
            samples = _SAMPLES.get(image.format, image.format)
            raise PictureUnsupported(
                f"{self.name} has {samples} samples", "8 and 16 bits are read: convert it to 16 bits first"
            )
        grey = kind in ("b-w", "grey16") or (kind == "multiband" and image.bands < 3)
        most = 2 if grey else 4
        if image.bands > most:
            self._note(f"{image.bands} channels: only the first {most} are used")
            image = image.extract_band(0, n=most)
        return image

    @staticmethod
    def _from_other(image: Any) -> tuple[Any, str]:
        """A colour space that is defined without a profile → sRGB."""
        deep = image.format != "uchar"
        made = image.colourspace("rgb16" if deep else "srgb").copy()
        made.remove("icc-profile-data")
        return made, f"{_CONVERTED[image.interpretation]} converted to sRGB"

    def _note(self, line: str) -> None:
        if line not in self.notes:
            self.notes.append(line)

    def unreadable(self, error: Exception) -> PictureUnreadable:
        """An error of libvips as ours."""
        return PictureUnreadable(f"{self.name} is damaged or cut short", reason(error))


def _read_plain(row: Format, file: BinaryIO, name: str, pixel_limit: int) -> Picture:
    """A picture of a format that libvips leaves out."""
    try:
        header = plain.open_header(row.name, file)
        check_limit(name, header.width, header.height, 1, pixel_limit)
        pixels = plain.decode(row.name, file, header)
    except plain.PlainDamaged as error:
        raise PictureUnreadable(f"{name} is damaged or cut short", str(error)) from error
    except plain.PlainUnsupported as error:
        raise PictureUnsupported(f"{name} is {error}", "save it as PNG first") from error
    return Picture(pixels, Metadata(format=row.name, icc=header.icc, dpi=header.dpi))


def check_limit(name: str, width: int, height: int, frames: int, pixel_limit: int) -> None:
    """Raise PictureTooLarge where that is more than the limit."""
    pixels = width * height * frames
    if pixels > pixel_limit:
        many = f" in {frames} frames" if frames > 1 else ""
        raise PictureTooLarge(
            f"{name} claims {width}×{height} pixels{many}, over {pixel_limit}",
            f"if that is right, raise the limit: --pixel-limit {pixels}",
        )


def damaged_but_read(warned: Exception) -> str:
    """The note on a file that was read in spite of what libvips warned of."""
    return f"file is damaged, but was read: {reason(warned)}"


def _finish(row: Format, pixels: Pixels, image: Any, found: Found, notes: tuple[str, ...]) -> Picture:
    """Turn the picture upright and collect its metadata."""
    if found.bits:
        pixels = _filled(pixels, found.bits)
    if row.alpha == "binary" and pixels.shape[3] == 4 and is_opaque(pixels):
        pixels = pixels[..., :3]  # animations are often coded with a transparent colour that never shows
    metadata, said = metadata_of(row, image, found, pixels.shape[0])
    return Picture(turned(pixels, orientation_of(image)), metadata, (*notes, *said), found.coding)


def orientation_of(image: Any) -> int:
    """How the picture is stored, 1–8 as EXIF says it."""
    return int(image.get("orientation")) if image.get_typeof("orientation") else 1


def metadata_of(row: Format, image: Any, found: Found, frames: int) -> tuple[Metadata, list[str]]:
    """Metadata of the picture turned upright, and one line for each thing that cannot be kept."""
    said: list[str] = []
    exif = found.exif if found.exif is not None else _blob(image, "exif-data")
    dpi = found.dpi
    if exif is not None:
        try:
            if dpi is None:
                dpi = exif_block.resolution(exif)
            exif = exif_block.upright(exif)
        except exif_block.ExifDamaged as error:
            said.append(f"EXIF block is damaged and was dropped: {error}")
            exif = None
    xmp = _blob(image, "xmp-data")
    if dpi is not None and orientation_of(image) in TURNED:
        dpi = (dpi[1], dpi[0])
    delays = tuple(image.get("delay")) if frames > 1 and image.get_typeof("delay") else ()
    metadata = Metadata(
        format=row.name,
        icc=_blob(image, "icc-profile-data"),
        exif=exif,
        xmp=xmp_packet.upright(xmp) if xmp is not None else None,
        iptc=found.iptc if row.name == "tiff" else _blob(image, "iptc-data"),
        dpi=dpi,
        delays=delays[:frames] if len(delays) >= frames else (),
        loop=image.get("loop") if delays and image.get_typeof("loop") else 0,
        comments=found.comments,
        lossless=found.lossless,
        bits=found.bits,
    )
    return metadata, said


def _blob(image: Any, field: str) -> bytes | None:
    data = bytes(image.get(field)) if image.get_typeof(field) else b""
    return data or None


def _filled(pixels: Pixels, bits: int) -> Pixels:
    """libvips moves 10- and 12-bit samples to the top of 16 bits; repeat the top bits below, so that white is 65535."""
    if pixels.dtype == np.uint16:
        pixels |= pixels >> np.uint16(bits)
    return pixels


def turned(pixels: Pixels, orientation: int) -> Pixels:
    """Frames (F, H, W, C) as EXIF orientation 1–8 wants them seen."""
    if orientation in TURNED:
        pixels = pixels.transpose(0, 2, 1, 3)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[:, ::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, :, ::-1]
    return cast(Pixels, np.ascontiguousarray(pixels))
