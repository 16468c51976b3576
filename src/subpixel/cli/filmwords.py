"""What the words of `subpixel upscale` say about films: which names are films, and the options for them alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

from subpixel.errors import SettingError

if TYPE_CHECKING:
    from subpixel.plan import Target
    from subpixel.video import Wishes

_SUFFIXES: Final = frozenset((
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".m2v", ".ts", ".m2ts", ".mts", ".vob", ".wmv",
    ".asf", ".flv", ".f4v", ".3gp", ".3g2", ".ogv", ".ogm", ".mxf", ".dv", ".rm", ".rmvb", ".y4m", ".mka", ".mk3d",
    ".qt", ".divx", ".nut", ".ivf", ".h264", ".264", ".h265", ".265", ".hevc", ".m1v", ".mpe", ".trp", ".wtv",
))  # fmt: skip
_BEGINNINGS: Final = (
    b"\x1aE\xdf\xa3", b"FLV\x01", b"OggS", b"\x30\x26\xb2\x75", b"\0\0\x01\xba", b"\0\0\x01\xb3", b"YUV4MPEG2 ",
    b"nut/multimedia container", b".RMF", b"\x06\x0e\x2b\x34", b"DKIF",
)  # fmt: skip
_STILL: Final = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1")
"""Brands of pictures among the files that begin as MP4 does."""


def is_film(name: str, output: str | None = None) -> bool:
    """True for names of video files and numbered pictures, and for whatever is to become one of them."""
    return any(
        Path(one).suffix.lower() in _SUFFIXES or ("%" in one and is_pattern(one)) for one in (name, output or "")
    ) or _begins_as_one(name)


def _begins_as_one(name: str) -> bool:
    """True for files whose name does not tell what they are, and that begin as videos do."""
    from subpixel.image.formats import FORMATS

    path = Path(name)
    if any(path.suffix.lower() in row.suffixes for row in FORMATS):
        return False
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            start = file.read(400)
    except OSError:
        return False
    packets = any(start[at::size][:2] == b"GG" for at, size in ((0, 188), (4, 192)))  # MPEG-TS, with times in front
    return (
        start.startswith(_BEGINNINGS)
        or packets
        or (start[:4] == b"RIFF" and start[8:11] == b"AVI")
        or (start[4:8] == b"ftyp" and start[8:12] not in _STILL)
    )


def is_pattern(name: str) -> bool:
    """True for names of numbered pictures, as ``frame_%05d.png``."""
    from subpixel.video.sequences import Pattern

    return Pattern.is_one(name)


@dataclass(frozen=True, slots=True)
class FilmWords:
    """Options for films alone, as they were typed; None or empty where they were not."""

    codec: str | None
    crf: float | None
    preset: str | None
    pixel_format: str | None
    start: str | None
    end: str | None
    deinterlace: str | None
    drop: str | None
    resume: bool
    rate: str | None
    preview: bool

    @property
    def typed(self) -> str:
        """The first of them that was typed, empty where none was."""
        words = {
            "--codec": self.codec, "--crf": self.crf, "--preset": self.preset, "--pixel-format": self.pixel_format,
            "--from": self.start, "--to": self.end, "--deinterlace": self.deinterlace, "--drop": self.drop,
            "--rate": self.rate, "--preview": self.preview or None, "--resume": self.resume or None,
        }  # fmt: skip
        return next((word for word, value in words.items() if value is not None), "")

    def check(
        self,
        films: Sequence[str],
        *,
        within: str | None,
        format: str | None,
        file_quality: int | None,
        lossless: bool | None,
        folders: bool = False,
    ) -> None:
        """Raise SettingError where an option is for the other kind of input.

        `folders`: some inputs are folders, which always go on: asking for it is no mistake.
        """
        if not films:
            if self.typed and not (folders and self.typed == "--resume"):
                raise SettingError(f"{self.typed} was given", "it is for videos, and no input is one")
            return
        for word, value, hint in (
            ("--within", within, "give --quality fast, balanced or best"),
            ("--format", format, "the suffix of -o chooses the container, --codec how it is coded"),
            ("--file-quality", file_quality, "give --crf, smaller is better"),
            ("--lossless", lossless, "give --codec ffv1"),
        ):
            if value is not None:
                raise SettingError(f"{word} was given for the video {films[0]}", hint)

    @property
    def exact_rate(self) -> Fraction | None:
        """Frames per second of numbered pictures.

        Raises:
            SettingError: no number.
        """
        try:
            return None if self.rate is None else Fraction(self.rate)
        except (ValueError, ZeroDivisionError):
            raise SettingError(f"the rate is {self.rate!r}", "give frames per second, as 24 or 30000/1001") from None

    def wishes(self, target: Target, quality: str | None, overwrite: bool) -> Wishes:
        """What is to be made of each film.

        Raises:
            SettingError: one that cannot be right.
        """
        from subpixel.video.encoding import Coding
        from subpixel.video.films import Wishes, parse_deinterlace
        from subpixel.video.oneline import span_of
        from subpixel.zoo import DEFAULT_QUALITY, QUALITIES

        worth = next((one for one in QUALITIES if one == quality), DEFAULT_QUALITY)
        return Wishes(
            target=target,
            coding=Coding(self.codec or "", self.crf, self.preset, self.pixel_format, worth),
            span=span_of(self.start, self.end),
            deinterlace=parse_deinterlace(self.deinterlace or "auto"),
            drop=_numbers(self.drop),
            overwrite=overwrite,
            resume=self.resume,
        )


def _numbers(text: str | None) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in (text or "").replace(",", " ").split())
    except ValueError:
        raise SettingError(f"the streams to drop are {text!r}", "give their numbers, as --drop 2,3") from None
