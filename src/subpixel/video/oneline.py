"""`subpixel.video.upscale` and `subpixel.video.upscale_frames`: a film in one line."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from subpixel.errors import SettingError
from subpixel.plan import Target
from subpixel.types import Pixels, Quality, Size
from subpixel.upscaler import Upscaler
from subpixel.video.clips import probe
from subpixel.video.colour import to_coloured
from subpixel.video.containers import FALLBACK, is_written
from subpixel.video.conversion import PLANAR, working_format
from subpixel.video.encoding import Coding
from subpixel.video.films import Deinterlace, Film, FilmResult, Wishes, choose_for, filter_for
from subpixel.video.flow import Tell
from subpixel.video.frames import FrameUpscaler
from subpixel.video.pictured import DrawnFilm, PictureFilm, check_rate, is_pictures
from subpixel.video.planes import Coloured, Frame
from subpixel.video.reading import FilmSource, Span
from subpixel.zoo import DEFAULT_QUALITY

_TIME: Final = re.compile(r"(?:(?:(\d+):)?(\d{1,2}):)?(\d+(?:\.\d+)?)s?")


def parse_position(text: str) -> Fraction:
    """``"90"``, ``"90.5"``, ``"1:30"``, ``"0:01:30.5"`` → seconds, exactly.

    Raises:
        SettingError: none of these.
    """
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise SettingError(f"the time is {text!r}", "give seconds or minutes:seconds, as 90, 1:30 or 0:01:30.5")
    hours, minutes, seconds = match.groups(default="0")
    if match[2] is not None and (Fraction(seconds) >= 60 or (match[1] is not None and int(minutes) >= 60)):
        raise SettingError(f"the time is {text!r}", "minutes and seconds end at 59: give 1:40, or 100")
    return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)


def span_of(start: str | float | None, end: str | float | None) -> Span:
    """The part of a film between two positions, in seconds or as `parse_position` takes them; None: to that end of it.

    Raises:
        SettingError: no positions, or in the wrong order.
    """

    def position(given: str | float) -> Fraction:
        return parse_position(given) if isinstance(given, str) else Fraction(str(given))

    return Span(Fraction(0) if start is None else position(start), None if end is None else position(end))


def default_target(source: Path, target: Target, codec: str = "") -> Path:
    """Where the result goes unless somebody says it: beside the source, ``clip-x3.mp4``.

    Sources whose container is not written, as AVI, become Matroska; FFV1 and ProRes go where they belong.
    """
    if is_pictures(source):
        return source.with_name(f"{source.stem}-{target.label}{source.suffix}")
    suffix = source.suffix if is_written(source.suffix) else FALLBACK
    belongs = {"ffv1": (".mkv",), "prores": (".mov", ".mkv")}.get(codec.lower(), ())
    if belongs and suffix.lower() not in belongs:
        suffix = belongs[0]
    return source.with_name(f"{source.stem}-{target.label}{suffix}")


def open_film(
    source: str | Path, output: str | Path, upscaler: Upscaler, wishes: Wishes, rate: Fraction | None = None
) -> Film | PictureFilm:
    """A film with everything checked before any frame is made; `PictureFilm` where it becomes pictures.

    Raises:
        SubpixelError: as `Film` and `PictureFilm`.
    """
    check_rate(source, rate)
    if is_pictures(output):
        return PictureFilm(source, output, upscaler, wishes, rate)
    if is_pictures(source):
        return DrawnFilm(source, output, upscaler, wishes, rate)
    return Film(source, output, upscaler, wishes)


def upscale(
    source: str | Path,
    output: str | Path | None = None,
    *,
    scale: float | None = None,
    width: int | None = None,
    height: int | None = None,
    model: str | Path | None = None,
    quality: Quality = DEFAULT_QUALITY,
    restore: bool | None = None,
    upscaler: Upscaler | None = None,
    codec: str | None = None,
    crf: float | None = None,
    preset: str | None = None,
    pixel_format: str | None = None,
    start: str | float | None = None,
    end: str | float | None = None,
    deinterlace: Deinterlace = "auto",
    drop: Sequence[int] = (),
    overwrite: bool = False,
    resume: bool = False,
    reuse: bool = True,
    rate: float | Fraction | None = None,
    progress: Tell | None = None,
    cancel: threading.Event | None = None,
) -> FilmResult:
    """Make a film larger, and keep everything else that is in its file.

    Args:
        source: the video file, numbered pictures (``frame_%05d.png``), or an animated GIF or WebP.
        output: the file to write, its suffix chooses the container, numbered pictures, or an animated GIF or WebP;
            None: beside the source, as ``clip-x3.mp4``.
        scale: factor, above 0 and up to 16; 4 if nothing else is given.
        width: width to fit inside.
        height: height to fit inside.
        model: a model's or family's name, or a path to one; None: by `quality`.
        quality: how much a better picture is worth, to the networks and to the encoder.
        restore: True: networks trained on squeezed pictures; False: never those; None: where `model` is None, as
            strongly as the film is squeezed.
        upscaler: used in place of one made from `model`, `quality` and `restore`; stays open.
        codec: ``"h264"``, ``"hevc"``, ``"av1"``, ``"vp9"``, ``"prores"``, ``"ffv1"``; None: H.264, in WebM VP9.
        crf: constant quality of the codec, smaller is better; None: nearly transparent.
        preset: how hard the encoder tries, in its own words; None: by `quality`.
        pixel_format: FFmpeg's name of a sample format; None: the source's, as far as the codec can.
        start: where to begin, seconds or ``"1:30"``.
        end: where to end, the same.
        deinterlace: ``"auto"``: where the film is interlaced; ``"on"``, ``"off"``.
        drop: numbers of streams that are not copied.
        overwrite: replace an existing file, and throw away the journal of work that was stopped.
        resume: go on with work that was stopped, where there is such.
        reuse: take what is as in the last frame from its result; the film is the same, only the time differs.
        rate: frames per second of numbered pictures; None: 25.
        progress: called after every frame, from this thread.
        cancel: set it, from any thread, to stop; what is finished is kept for `resume`.

    Raises:
        Cancelled: `cancel` was set.
        PictureError: the source cannot be read, or has no film.
        SettingError: an argument that cannot be right, or a container that cannot hold a stream.
        OutputError: the output exists, or cannot be written.
        ModelError, EngineError: as `Upscaler`.
    """
    target = Target(scale, width, height)
    given = output if output is not None else default_target(Path(source), target, codec or "")
    wishes = Wishes(
        target=target,
        coding=Coding(codec or "", crf, preset, pixel_format, quality),
        span=span_of(start, end),
        deinterlace=deinterlace,
        drop=tuple(drop),
        overwrite=overwrite,
        resume=resume,
        reuse=reuse,
    )
    exact = None if rate is None else Fraction(str(rate))
    if upscaler is not None:
        return open_film(source, given, upscaler, wishes, exact).make(progress=progress, cancel=cancel)
    with Upscaler(model, quality=quality, restore=restore) as own:
        return open_film(source, given, own, wishes, exact).make(progress=progress, cancel=cancel)


@dataclass(frozen=True, slots=True)
class Shown:
    """An enlarged frame of a film.

    Attributes:
        frame: its samples as the film's, luma and chroma.
        seconds: when it is shown, from the start of the film or cut.
        size: width and height.
    """

    frame: Frame
    seconds: Fraction
    size: Size

    @property
    def pixels(self) -> Pixels:
        """RGB, (H, W, 3): uint8, or uint16 0–65535 where the film has more than 8 bits."""
        coloured = self.frame if isinstance(self.frame, Coloured) else to_coloured(self.frame)
        return coloured.pixels

    @property
    def luma(self) -> NDArray[Any] | None:
        """Luma as the film's own, (H, W), in its bits and range; None for frames that are RGB."""
        return None if isinstance(self.frame, Coloured) else self.frame.y


def upscale_frames(
    source: str | Path,
    *,
    scale: float | None = None,
    width: int | None = None,
    height: int | None = None,
    model: str | Path | None = None,
    quality: Quality = DEFAULT_QUALITY,
    restore: bool | None = None,
    start: str | float | None = None,
    end: str | float | None = None,
    deinterlace: Deinterlace = "auto",
) -> Iterator[Shown]:
    """The enlarged frames of a film one after the other, for whatever is not a file; arguments as `upscale`.

    Raises:
        PictureError: the source cannot be read, or has no film.
        SettingError: an argument that cannot be right.
        ModelError, EngineError: as `Upscaler`.
    """
    target, span = Target(scale, width, height), span_of(start, end)
    clip = probe(source)
    film = FilmSource(clip, working_format(clip.format, PLANAR), span=span, deinterlace=filter_for(deinterlace))
    with (
        Upscaler(model, quality=quality, restore=restore) as upscaler,
        FrameUpscaler(upscaler, target, networks=choose_for(clip, upscaler).networks) as enlarger,
    ):
        for timed in film.frames():
            if timed is None:
                continue
            made = enlarger.upscale(timed.frame)
            yield Shown(made, timed.pts * clip.time_base, made.size)
