"""The codecs a film can be written with: a row for each, and what the FFmpeg inside PyAV has of them."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from subpixel.errors import SettingError
from subpixel.types import Quality


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec and how it is asked for quality and speed.

    Attributes:
        name: as in ``--codec``.
        title: for people.
        encoders: FFmpeg's encoders for it, the best first; the first that is there is used.
        crf: constant quality unless another one is asked for, smaller is better; None for codecs that have none.
        worst: the largest CRF.
        option: encoder option for the effort; empty where there is none.
        efforts: its value for ``fast``, ``balanced`` and ``best``.
        fixed: further options of the encoder.
        even: True where width and height have to be even with halved chroma.
        shape: True where its own headers say how wide a sample is.
        tag: four letters that players expect in MP4 and MOV; empty for FFmpeg's own.
        narrowest: columns that its encoder needs; x265 writes beyond its memory with 33 to 48 of them.
        also: other names that people know it by.
        choices: the words for effort that the encoder knows.
    """

    name: str
    title: str
    encoders: tuple[str, ...]
    crf: float | None = None
    worst: float = 51
    option: str = "preset"
    efforts: tuple[str, str, str] = ("", "", "")
    fixed: tuple[tuple[str, str], ...] = ()
    even: bool = True
    shape: bool = False
    tag: str = ""
    narrowest: int = 1
    also: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()

    def effort(self, quality: Quality) -> str:
        """How hard the encoder tries, in its own words."""
        return self.efforts[("fast", "balanced", "best").index(quality)]


_X26X: Final = (
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo",
)  # fmt: skip

CODECS: Final = (
    Codec(
        "h264", "H.264", ("libx264",), 18, efforts=("ultrafast", "fast", "slow"), shape=True,
        also=("h.264", "x264", "libx264", "avc"), choices=_X26X,
    ),
    Codec(
        "hevc", "HEVC", ("libx265",), 20, efforts=("ultrafast", "fast", "slow"), shape=True, tag="hvc1",
        narrowest=64, also=("h265", "h.265", "x265", "libx265"), choices=_X26X,
    ),
    Codec(
        "av1", "AV1", ("libsvtav1",), 25, 63, efforts=("11", "8", "5"),
        also=("svtav1", "svt-av1", "libsvtav1"), choices=tuple(map(str, range(14))),
    ),
    Codec(
        "vp9", "VP9", ("libvpx-vp9",), 24, 63, "cpu-used", ("8", "5", "2"),
        (("b", "0"), ("deadline", "good"), ("row-mt", "1")), even=False,
        also=("libvpx-vp9",), choices=tuple(map(str, range(9))),
    ),
    Codec(
        "prores", "ProRes 422 HQ", ("prores_ks",), option="", fixed=(("profile", "hq"), ("vendor", "apl0")),
        also=("prores_ks",),
    ),
    Codec("ffv1", "FFV1", ("ffv1",), option="", fixed=(("level", "3"), ("slicecrc", "1"), ("slices", "4")), even=False),
)  # fmt: skip
"""Every codec that can be asked for."""

DEFAULT_CODECS: Final = {".webm": "vp9", ".mov": "h264"}
"""Codec where none is asked for, by the target's suffix; H.264 for all others."""


def default_codec(suffix: str) -> str:
    """The codec for a container, by its suffix."""
    return DEFAULT_CODECS.get(suffix.lower(), "h264")


def there() -> dict[str, str]:
    """The codecs of this build, each with the encoder that is used."""
    from av.codec import codecs_available

    found: dict[str, str] = {}
    for codec in CODECS:
        for encoder in codec.encoders:
            if encoder in codecs_available and _encodes(encoder):
                found[codec.name] = encoder
                break
    return found


def _encodes(name: str) -> bool:
    from av.codec import Codec as Found
    from av.codec.codec import UnknownCodecError

    try:
        return Found(name, "w").is_encoder
    except UnknownCodecError:
        return False


def by_name(name: str) -> tuple[Codec, str]:
    """The codec of that name and its encoder.

    Raises:
        SettingError: no such codec, or none of its encoders is in this build; those that are there are named.
    """
    encoders = there()
    listed = ", ".join(encoders) or "none at all"
    wanted = name.lower()
    row = next((codec for codec in CODECS if wanted == codec.name or wanted in codec.also), None)
    if row is None:
        near = get_close_matches(wanted, encoders, 1, 0.5)
        raise SettingError(
            f"there is no codec {name!r}", f"did you mean {near[0]}?" if near else f"those there are: {listed}"
        )
    if row.name not in encoders:
        raise SettingError(
            f"this build of FFmpeg cannot write {row.title} ({' or '.join(row.encoders)} is missing)",
            f"those there are: {listed}",
        )
    return row, encoders[row.name]
