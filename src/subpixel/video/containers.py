"""The containers a film can be written into, and what each of them cannot hold."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from subpixel.errors import SettingError


@dataclass(frozen=True, slots=True)
class Container:
    """A kind of file.

    Attributes:
        suffixes: of its files.
        muxer: FFmpeg's name.
        title: for people.
        films: codecs of a film in it, as in ``--codec``, that its readers know again.
        tracks: FFmpeg's names of the codecs that other streams may have; empty where the muxer refuses what it does not
            know by itself.
        attachments: True where files, as fonts, and covers as files, can be put beside the streams.
        covers: True where cover art is a stream.
        headers: True where decoders find a stream's parameters in the file's header, not in its packets.
        aspect: True where the shape of samples is kept whatever the codec; otherwise H.264 and HEVC say it themselves.
        turned: what it can say about frames that are not upright: rotation, mirroring.
        tick: the finest unit of timestamps in seconds, None where it is the film's own.
    """

    suffixes: tuple[str, ...]
    muxer: str
    title: str
    films: tuple[str, ...]
    tracks: frozenset[str] = frozenset()
    attachments: bool = False
    covers: bool = False
    headers: bool = True
    aspect: bool = True
    turned: tuple[str, ...] = ("rotation", "mirroring")
    tick: Fraction | None = None


_MILLISECOND: Final = Fraction(1, 1000)
_BROADCAST: Final = frozenset((
    "mpeg1video", "mpeg2video", "mpeg4", "h264", "hevc", "vvc", "cavs", "dirac", "vc1", "mp1", "mp2", "mp3", "aac",
    "aac_latm", "ac3", "eac3", "dts", "truehd", "opus", "s302m", "dvb_subtitle", "dvb_teletext", "hdmv_pgs_subtitle",
    "hdmv_text_subtitle", "arib_caption", "smpte_klv", "timed_id3", "scte_35",
))  # fmt: skip
"""What MPEG-TS has a number for. FFmpeg writes all else too, as private data that no reader makes anything of."""

CONTAINERS: Final = (
    Container((".mp4", ".m4v"), "mp4", "MP4", ("h264", "hevc", "av1", "vp9", "ffv1"), covers=True),
    Container((".mov",), "mov", "MOV", ("h264", "hevc", "prores")),
    Container(
        (".mkv", ".mka"),
        "matroska",
        "Matroska",
        ("h264", "hevc", "av1", "vp9", "prores", "ffv1"),
        attachments=True,
        aspect=False,
        turned=("rotation",),
        tick=_MILLISECOND,
    ),
    Container((".webm",), "webm", "WebM", ("av1", "vp9"), aspect=False, turned=("rotation",), tick=_MILLISECOND),
    Container((".ts", ".m2ts", ".mts"), "mpegts", "MPEG-TS", ("h264", "hevc"), _BROADCAST, headers=False, turned=()),
)
"""Every container that can be written."""

FALLBACK: Final = ".mkv"
"""For sources whose own container is not written, as AVI: it holds nearly everything."""


def container_for(path: Path) -> Container:
    """The container of a file, by its suffix.

    Raises:
        SettingError: none goes by that suffix.
    """
    suffix = path.suffix.lower()
    for container in CONTAINERS:
        if suffix in container.suffixes:
            return container
    known = ", ".join(name for container in CONTAINERS for name in container.suffixes)
    raise SettingError(
        f"{path}: no video format goes by {suffix!r}" if suffix else f"{path} has no suffix", f"use one of {known}"
    )


def holding(codec: str) -> str:
    """Suffixes of the containers that hold a film of that codec, for people."""
    return ", ".join(container.suffixes[0] for container in CONTAINERS if codec in container.films)


def is_written(suffix: str) -> bool:
    """True where files of that suffix can be written."""
    return any(suffix.lower() in container.suffixes for container in CONTAINERS)
