"""Films that come or go as pictures: numbered ones, GIF, animated WebP. Same path as other films, other ends.

=================  ======================  =========================================================
from               to                      frames are
=================  ======================  =========================================================
pictures           pictures                RGB, with alpha and everything else in their files
pictures           a container             planes, from before the networks on: RGB is seen once, small
a container        pictures                planes until they are written
=================  ======================  =========================================================
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from subpixel.choosing import Choice
from subpixel.errors import OutputUnwritable, SettingError
from subpixel.plan import Plan
from subpixel.upscaler import Upscaler
from subpixel.video.animations import SUFFIXES, AnimationSink, AnimationSource
from subpixel.video.clips import Clip, probe
from subpixel.video.colour import to_planes
from subpixel.video.conversion import PLANAR, bits_of, halved, working_format
from subpixel.video.encoding import Coding, Encoder
from subpixel.video.films import Film, FilmResult, Wishes, changed, choose_for, filter_for, said_of
from subpixel.video.flow import Source, Tell, make
from subpixel.video.frames import FrameUpscaler
from subpixel.video.health import Place
from subpixel.video.planes import Coloured, Frame, Planes
from subpixel.video.reading import FilmSource, Span
from subpixel.video.sequences import DEFAULT_RATE, Pattern, SequenceSink, SequenceSource
from subpixel.video.tags import settled

Pictures: TypeAlias = SequenceSource | AnimationSource

_UNSAID: Final = 2


def is_pictures(path: str | Path) -> bool:
    """True for names of numbered pictures, and of files that may be animated ones."""
    return Pattern.is_one(str(path)) or Path(path).suffix.lower() in SUFFIXES


def check_rate(source: str | Path, rate: Fraction | None) -> None:
    """Raise SettingError for a rate that cannot be, or that the source says itself."""
    if rate is not None and not (rate > 0 and Pattern.is_one(str(source))):
        hint = f"leave it out: {source} says it" if rate > 0 else "give more than 0, as --rate 24"
        raise SettingError(f"the rate is {float(rate):g}", hint)


def _read(source: Path, rate: Fraction | None, span: Span) -> Pictures:
    if Pattern.is_one(str(source)):
        return SequenceSource(Pattern(str(source)), rate or DEFAULT_RATE, span)
    return AnimationSource(source, span)


class DrawnFilm(Film):
    """Pictures that become a video file; used as `Film`.

    Args:
        source: a pattern (``frame_%05d.png``), a GIF or WebP.
        target: the video file to write.
        upscaler: which networks, how they run.
        wishes: what is to be made.
        rate: frames per second of numbered pictures; None: 25.

    Raises:
        SubpixelError: as `Film`.
    """

    alone = True

    def __init__(
        self,
        source: str | Path,
        target: str | Path,
        upscaler: Upscaler,
        wishes: Wishes,
        rate: Fraction | None = None,
    ) -> None:
        if wishes.deinterlace == "on":
            raise SettingError(f"--deinterlace on was given for {source}", "leave it out: it is for video files")
        self._pictures = _read(Path(source), rate, wishes.span)
        super().__init__(source, target, upscaler, wishes)
        self._convert = _into_planes(self.encoder)

    def _looked_at(self, source: Path) -> Clip:
        return _clip(source, self._pictures)

    def _chosen(self, upscaler: Upscaler) -> Choice:
        return upscaler.choose(self._pictures.picture)

    def _facts(self) -> tuple[int, int]:
        return self._pictures.facts()

    def source(self, place: Place | None = None) -> Source:
        """See `Film`; what an earlier run has finished is not read again."""
        return self._pictures

    def _enlarge(self, frame: Frame) -> Frame:
        return super()._enlarge(self._convert(frame))


class PictureFilm:
    """A film, or pictures, that become pictures; used as `subpixel.video.films.Film`.

    Args:
        source: a pattern (``frame_%05d.png``), a GIF or WebP, or a video file.
        target: a pattern, a GIF or WebP.
        upscaler: which networks, how they run.
        wishes: what is to be made; resumption counts where the target is numbered pictures.
        rate: frames per second of numbered pictures; None: 25.

    Raises:
        PictureError: the source cannot be read.
        SettingError: wishes that cannot be fulfilled together.
        OutputError: the target exists, or cannot be written.
    """

    def __init__(
        self,
        source: str | Path,
        target: str | Path,
        upscaler: Upscaler,
        wishes: Wishes,
        rate: Fraction | None = None,
    ) -> None:
        self.target, self.wishes, self._from = Path(target), wishes, Path(source)
        _check_coding(self.target, wishes.coding)
        self._clip: Clip | None = None
        self._source: Pictures | FilmSource
        start, loop = 1, 0
        if is_pictures(source):
            pictures = self._source = _read(self._from, rate, wishes.span)
            choice = upscaler.choose(pictures.picture)
            if isinstance(self._source, SequenceSource):
                start = self._source.start
            else:
                loop = self._source.loop
        else:
            clip = self._clip = probe(source)
            choice = choose_for(clip, upscaler)
            name = working_format(clip.format, PLANAR)
            filtered = filter_for(wishes.deinterlace)
            self._source = FilmSource(clip, name, span=wishes.span, deinterlace=filtered, threads=upscaler.threads)
        self.chosen = choice.chosen
        self._enlarger = FrameUpscaler(upscaler, wishes.target, reuse=wishes.reuse, networks=choice.networks)
        self.plan: Plan = self._enlarger.plan(self._source.size)
        self._sink = self._opened_sink(start, loop)

    def _opened_sink(self, start: int, loop: int) -> SequenceSink | AnimationSink:
        source, wishes, target = self._source, self.wishes, self.target
        display = None if self._clip is None else self._clip.display
        if Pattern.is_one(str(target)):
            pattern = Pattern(str(target))
            if self._from.parent.resolve() == target.parent.resolve() and self._from.name == target.name:
                raise OutputUnwritable(f"{target} is the input", "give another name with -o")
            return SequenceSink(pattern, start, display=display, overwrite=wishes.overwrite, resume=wishes.resume)
        if wishes.resume:
            raise SettingError(
                f"{target} cannot be gone on with", "it is written when all its frames are there: leave --resume out"
            )
        if target.exists() and self._from.exists() and target.samefile(self._from):
            raise OutputUnwritable(f"{target} is the input", "give another name with -o")
        sink = AnimationSink(
            target, source.time_base, source.rate, loop=loop, display=display, overwrite=wishes.overwrite
        )
        sink.check_room(source.count or 0, self.plan.target)
        return sink

    @property
    def notes(self) -> tuple[str, ...]:
        """What the result will not have as the source has it, known before the work."""
        return (*(() if self._clip is None else self._changed(self._clip)), *said_of(self.chosen))

    def _changed(self, clip: Clip) -> Iterator[str]:
        if clip.tracks:
            yield f"{', '.join(map(str, clip.tracks))} left out: pictures hold no other streams"
        if clip.aspect != 1:
            shape = f"{clip.aspect.numerator}:{clip.aspect.denominator}"
            yield f"pixels are {shape} in the film, and square in pictures: they look squeezed"
        if clip.tags.is_hdr:
            yield "the film is HDR: pictures get its samples as they are, and look pale"
        yield from changed(clip, self.wishes.deinterlace)

    def make(self, *, progress: Tell | None = None, cancel: threading.Event | None = None) -> FilmResult:
        """Make it; see `Film.make`."""
        source, sink, done = self._source, self._sink, self._sink.done
        with self._enlarger:
            frames, clock = make(source, self._enlarger.upscale, sink, skip=done, progress=progress, cancel=cancel)
        return FilmResult(
            source=self._from,
            target=self.target,
            before=source.size,
            after=self.plan.target,
            frames=frames,
            resumed=done,
            models=tuple(step.model.name for step in self.plan.passes),
            encoder=self.target.suffix[1:],
            bytes=sink.written,
            clock=clock,
            reused=self._enlarger.reused_share,
            notes=(*self.notes, *sink.notes, *source.health.notes()),
        )


def _check_coding(target: Path, coding: Coding) -> None:
    """Raise SettingError for wishes about codecs, which pictures have none of."""
    for word, wish in (
        ("codec", coding.codec),
        ("CRF", coding.crf),
        ("preset", coding.preset),
        ("sample format", coding.format),
    ):
        if wish:
            raise SettingError(f"the {word} is {wish}, and {target} is pictures", "leave it out, or write .mp4 or .mkv")


def _clip(path: Path, source: Pictures) -> Clip:
    """Pictures as a video file would describe them."""
    deep = source.first.bits > 8
    return Clip(
        path=path,
        container="image2",
        index=0,
        codec="png",
        size=source.size,
        rate=source.rate,
        time_base=source.time_base,
        count=source.count,
        duration=source.count / source.rate,
        origin=Fraction(0),
        format="yuv420p10le" if deep else "yuv420p",
        tags=settled(source.size, range=0, matrix=_UNSAID, primaries=_UNSAID, transfer=_UNSAID, rgb=True, full=False),
        siting="left",
        aspect=Fraction(1),
        display=None,
        interlaced=False,
        tracks=(),
        chapters=0,
        lost=("transparency",) if source.first.pixels.shape[2] in (2, 4) else (),
    )


def _into_planes(encoder: Encoder) -> Callable[[Frame], Planes]:
    """Turns pictures into the planes that are to be coded, before they are enlarged."""
    name, bits = encoder.format, bits_of(encoder.format)
    across, down = halved(name)
    kind: Any = np.uint8 if bits == 8 else np.uint16
    chroma = None if name.startswith("gray") else np.zeros((1 if down else 2, 1 if across else 2), kind)
    like = Planes(np.zeros((2, 2), kind), chroma, chroma, bits, encoder.tags.full, encoder.tags.kind, "left")

    def convert(frame: Frame) -> Planes:
        assert isinstance(frame, Coloured)
        return to_planes(frame, like)

    return convert
