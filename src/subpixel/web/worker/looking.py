"""What an uploaded file is, told from its bytes, and what would become of it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from subpixel import zoo
from subpixel.errors import ModelUnknown, PictureTooLarge, PictureUnsupported, SettingError
from subpixel.image.formats import by_name
from subpixel.image.header import read_header
from subpixel.types import Size
from subpixel.web.api import PICTURE_FORMATS, SAME, VIDEO_FORMATS, Kind, Settings
from subpixel.web.messages import Bounds, Guess, Look, Looked
from subpixel.web.worker.films import upright_size
from subpixel.web.worker.timing import Timing

_HEAD: Final = 400
_SIDE: Final = 1_000_000
"""Longest side of a result whose time is guessed."""
_PACKET: Final = 188
"""Bytes between the sync bytes of an MPEG transport stream; 192 with timestamps before each."""
_FILMS: Final = {
    "mov,mp4,m4a,3gp,3g2,mj2": "mp4",
    "matroska,webm": "mkv",
    "mpegts": "mkv",
}
"""FFmpeg's name of a container → the one that a result of the same kind is written into."""


class TooLarge(PictureTooLarge):
    """More pixels than this server takes, with what would be right.

    Attributes:
        case, values: see `subpixel.web.api.Problem`.
    """

    def __init__(self, what: str, hint: str, case: str, **values: str | float) -> None:
        super().__init__(what, hint)
        self.case, self.values = case, values


def look(task: Look, timing: Timing) -> Looked:
    """Find out what a file is.

    Raises:
        PictureError: nothing that could be enlarged, or more than `Look.bounds`.
        SettingError, ModelUnknown: settings that do not fit it.
    """
    source, settings = Path(task.source), task.settings
    if kind_of(source) == "video":
        return _look_at_film(source, settings, task.bounds, timing)
    header = read_header(source, pixel_limit=task.bounds.pixels)
    after = _checked(settings, header.size, header.frames, task.bounds)
    wanted = header.format if settings.format == SAME else settings.format
    if wanted not in PICTURE_FORMATS:
        raise SettingError(f"the format is {wanted}, for a picture", f"give {SAME}, {', '.join(PICTURE_FORMATS)}")
    row = by_name(wanted)
    if max(after.width, after.height) > row.max_side:
        raise TooLarge(
            f"{row.title} holds at most {row.max_side} pixels a side, the result is {after}",
            "use format=png",
            "side",
            format=row.title,
            limit=row.max_side,
        )
    return Looked(
        kind="picture",
        width=header.size.width,
        height=header.size.height,
        frames=header.frames,
        format=header.format,
        result_width=after.width,
        result_height=after.height,
        result_format=row.name,
        suffix=row.suffixes[0],
        seconds=timing.seconds(settings, header.size, header.frames),
    )


def check_sides(task: Guess) -> None:
    """Refuse sides of which nobody could send a picture: to plan for them takes minutes.

    Raises:
        TooLarge: they, or the result's, are over the bounds.
    """
    size = Size(task.sides.width, task.sides.height)
    limit = task.bounds.pixels
    if size.pixels > limit:
        raise TooLarge(f"{size} are over {limit} pixels", "give smaller sides", "picture", limit_pixels=limit)
    after = _checked(task.sides.settings, size, 1, task.bounds)
    if max(after.width, after.height) > _SIDE:
        what = f"the result would be {after}, over {_SIDE} pixels a side"
        raise TooLarge(what, "give a smaller factor", "side", format="PNG", limit=_SIDE)


def kind_of(source: Path) -> Kind:
    """Picture or video, by the first bytes alone.

    Only containers known here are handed to FFmpeg: among the many that it knows are playlists, which would have it
    open whatever other files and addresses they name.
    """
    with source.open("rb") as file:
        head = file.read(_HEAD)
    films = (
        head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide") and not _is_picture_brand(head),
        head.startswith(b"\x1aE\xdf\xa3"),
        head[:4] == b"RIFF" and head[8:12] == b"AVI ",
        head.startswith((b"FLV\x01", b"OggS", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", b"\0\0\1\xba", b"\0\0\1\xb3")),
        len(head) > _PACKET and head[0] == head[_PACKET] == 0x47,
        len(head) > _PACKET + 8 and head[4] == head[_PACKET + 8] == 0x47,
    )
    return "video" if any(films) else "picture"


def _is_picture_brand(head: bytes) -> bool:
    return head[8:12] in (b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"crx ")


def _look_at_film(source: Path, settings: Settings, bounds: Bounds, timing: Timing) -> Looked:
    try:
        from subpixel.video import probe
    except ImportError:
        raise PictureUnsupported(
            "the file is a video", "this installation reads pictures alone: pip install av"
        ) from None
    clip = probe(source)
    if clip.size.pixels > bounds.pixels:
        raise TooLarge(
            f"its frames are {clip.size}, over {bounds.pixels} pixels",
            "use a smaller video, or start the server with a larger --pixels",
            "picture",
            limit_pixels=bounds.pixels,
        )
    after = _checked(settings, clip.size, 1, bounds)
    wanted = _FILMS.get(clip.container, "mkv") if settings.format == SAME else settings.format
    if wanted not in VIDEO_FORMATS:
        raise SettingError(f"the format is {wanted}, for a video", f"give {SAME}, {', '.join(VIDEO_FORMATS)}")
    frames = max(1, clip.count or 1)
    before, after = upright_size(clip, clip.size), upright_size(clip, after)
    return Looked(
        kind="video",
        width=before.width,
        height=before.height,
        frames=frames,
        format=_FILMS.get(clip.container, clip.container.partition(",")[0].replace(".", ""))[:20] or "video",
        result_width=after.width,
        result_height=after.height,
        result_format=wanted,
        suffix=f".{wanted}",
        seconds=timing.seconds(settings, clip.size, frames),
    )


def _checked(settings: Settings, size: Size, frames: int, bounds: Bounds) -> Size:
    """The size of the result, where it and the model are possible."""
    if settings.model is not None:
        if "/" in settings.model or settings.model not in (*zoo.model_names(), *zoo.families()):
            zoo.card(f"{settings.model}")  # says which names are near
            raise ModelUnknown(f"no model is called {settings.model!r}", "GET /v1/models lists those there are")
        zoo.candidates(settings.model)
    after = settings.target.size_for(size)
    if after.pixels * frames > bounds.result_pixels:
        many = f" in {frames} frames" if frames > 1 else ""
        most = int((bounds.result_pixels / (size.pixels * frames)) ** 0.5 * 100) / 100
        raise TooLarge(
            f"the result would be {after} pixels{many}, over {bounds.result_pixels}",
            f"give a factor of at most {most:g}, as scale={most:g}",
            "result",
            width=after.width,
            height=after.height,
            limit_pixels=bounds.result_pixels,
            factor=most,
        )
    return after
