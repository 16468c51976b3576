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

import contextlib
import threading
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from subpixel.engines import usable_cores
from subpixel.errors import OutputUnwritable, SettingError
from subpixel.image.targets import Partial, partial, place, settle, unwritable
from subpixel.plan import Plan
from subpixel.upscaler import Upscaler
from subpixel.video.animations import SUFFIXES, AnimationSink, AnimationSource
from subpixel.video.clips import Clip, probe
from subpixel.video.codecs import default_codec
from subpixel.video.colour import to_planes
from subpixel.video.containers import Container, container_for
from subpixel.video.conversion import bits_of, halved, to_frame, working_format
from subpixel.video.encoding import Encoder
from subpixel.video.encoding import settle as settle_encoder
from subpixel.video.films import FilmResult, Wishes, filter_for
from subpixel.video.flow import Tell, Timed, run
from subpixel.video.frames import FrameUpscaler
from subpixel.video.planes import Coloured, Frame, Planes
from subpixel.video.reading import FilmSource
from subpixel.video.sequences import DEFAULT_RATE, Pattern, SequenceSink, SequenceSource
from subpixel.video.tags import settled

if TYPE_CHECKING:
    from av.container import OutputContainer

Pictures: TypeAlias = SequenceSource | AnimationSource

_PLANAR: Final = ["gray", *(f"yuv{kind}p{bits}" for kind in ("420", "422", "444") for bits in ("", "10le", "12le"))]
_UNSAID: Final = 2


def is_pictures(path: str | Path) -> bool:
    """True for names of numbered pictures, and of files that may be animated ones."""
    return Pattern.is_one(str(path)) or Path(path).suffix.lower() in SUFFIXES


class PictureFilm:
    """A film whose source or target are pictures; used as `subpixel.video.films.Film`.

    Args:
        source: a pattern (``frame_%05d.png``), a GIF or WebP, or a video file.
        target: the same.
        upscaler: which networks, how they run.
        wishes: what is to be made; codec and quality count where the target is a container, resumption where it is
            numbered pictures.
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
        if rate is not None and not (rate > 0 and Pattern.is_one(str(source))):
            hint = "leave --rate out: the file says it" if rate > 0 else "give more than 0, as --rate 24"
            raise SettingError(f"the rate is {float(rate):g}", hint)
        self._enlarger = FrameUpscaler(upscaler, wishes.target, reuse=wishes.reuse)
        self._convert: Callable[[Frame], Frame] | None = None
        self._encoder: Encoder | None = None
        self._clip: Clip | None = None
        self._source: Pictures | FilmSource
        start, loop = 1, 0
        if not is_pictures(source):
            clip = self._clip = probe(source)
            name = working_format(clip.format, _PLANAR)
            filtered = filter_for(clip, wishes.deinterlace)
            self._source = FilmSource(clip, name, span=wishes.span, deinterlace=filtered, threads=upscaler.threads)
        else:
            if not wishes.span.whole:
                raise SettingError(f"a part of {source} was asked for", "cut the result: pictures are read as a whole")
            if Pattern.is_one(str(source)):
                self._source = SequenceSource(Pattern(str(source)), rate or DEFAULT_RATE)
                start = self._source.start
            else:
                self._source = AnimationSource(self._from)
                loop = self._source.loop
        self.plan: Plan = self._enlarger.plan(self._source.size)
        self._sink = self._opened_sink(start, loop, min(upscaler.threads, usable_cores()))

    def _opened_sink(self, start: int, loop: int, threads: int) -> SequenceSink | AnimationSink | ContainerSink:
        source, wishes, target = self._source, self.wishes, self.target
        display = None if self._clip is None else self._clip.display
        if Pattern.is_one(str(target)):
            pattern = Pattern(str(target))
            if self._from.parent.resolve() == target.parent.resolve() and self._from.name == target.name:
                raise OutputUnwritable(f"{target} is the input", "give another name with -o")
            return SequenceSink(pattern, start, display=display, overwrite=wishes.overwrite, resume=wishes.resume)
        if wishes.resume:
            raise SettingError(f"{target} cannot be gone on with", "only numbered pictures and films can: leave it out")
        if target.suffix.lower() in SUFFIXES:
            if target.exists() and self._from.exists() and target.samefile(self._from):
                raise OutputUnwritable(f"{target} is the input", "give another name with -o")
            sink = AnimationSink(
                target, source.time_base, source.rate, loop=loop, display=display, overwrite=wishes.overwrite
            )
            sink.check_room(source.count or 0, self.plan.target)
            return sink
        assert isinstance(source, SequenceSource | AnimationSource)
        container = container_for(target)
        coding = wishes.coding
        if not coding.codec:
            coding = replace(coding, codec=default_codec(container.suffixes[0]))
        self._encoder = settle_encoder(coding, _clip(self._from, source), self.plan.target, container, threads)
        self._convert = _into_planes(self._encoder)
        return ContainerSink(self.target, container, self._encoder, overwrite=wishes.overwrite)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the result will not have as the source has it, known before the work."""
        if self._encoder is not None and self._encoder.size != self.plan.target:
            even = f"{self.plan.target} cut to {self._encoder.size}: {self._encoder.codec.title} needs even sides"
            return (even,)
        if self._clip is None:
            return ()
        said = []
        if self._clip.tracks:
            said.append(f"{', '.join(map(str, self._clip.tracks))} left out: pictures hold no other streams")
        if self._clip.aspect != 1:
            shape = f"{self._clip.aspect.numerator}:{self._clip.aspect.denominator}"
            said.append(f"pixels are {shape} in the film, and square in pictures: they look squeezed")
        return tuple(said)

    def make(self, *, progress: Tell | None = None, cancel: threading.Event | None = None) -> FilmResult:
        """Make it; see `Film.make`."""
        source, sink, done = self._source, self._sink, self._sink.done
        try:
            with self._enlarger:
                frames, clock = run(source, self._enlarge, sink, skip=done, progress=progress, cancel=cancel)
            sink.finish()
        except BaseException:
            sink.abandon()
            raise
        finally:
            source.close()
        health = source.health.notes() if isinstance(source, FilmSource) else ()
        return FilmResult(
            source=self._from,
            target=self.target,
            before=source.size,
            after=self.plan.target if self._encoder is None else self._encoder.size,
            frames=frames,
            resumed=done,
            models=tuple(step.model.name for step in self.plan.passes),
            encoder=self.target.suffix[1:] if self._encoder is None else self._encoder.encoder,
            bytes=sink.written,
            clock=clock,
            reused=self._enlarger.reused_share,
            notes=(*self.notes, *sink.notes, *health),
        )

    def _enlarge(self, frame: Frame) -> Frame:
        frame = frame if self._convert is None else self._convert(frame)
        return self._enlarger.upscale(frame)


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


class ContainerSink:
    """A film of pictures into a video file, which takes its name when it is whole; see `subpixel.video.flow.Sink`.

    Args:
        target: the file.
        container: its kind.
        encoder: settings.
        overwrite: replace an existing file.

    Raises:
        OutputError: the file exists, or cannot be written.
    """

    done: Final = 0
    notes: Final = ()

    def __init__(self, target: Path, container: Container, encoder: Encoder, *, overwrite: bool) -> None:
        self._target, self._kind, self._encoder, self._overwrite = target, container, encoder, overwrite
        self._final = place(target, overwrite)
        self._held = contextlib.ExitStack()
        self._partial: Partial | None = None
        self._file: OutputContainer | None = None
        self._stream: Any = None
        self.written = 0

    def add(self, timed: Timed) -> None:
        """See `Sink`.

        Raises:
            OutputError: the disk is full, or the like.
        """
        assert isinstance(timed.frame, Planes)
        with self._failing():
            if self._file is None:
                self._open()
            frame = to_frame(timed.frame, self._encoder.format, self._encoder.size, self._encoder.tags)
            frame.pts, frame.duration, frame.time_base = timed.pts, timed.duration, self._encoder.time_base
            self._put(frame)

    def _open(self) -> None:
        import av

        self._partial = self._held.enter_context(partial(self._final))
        options = {"movflags": "+faststart"} if self._kind.muxer in ("mp4", "mov") else {}
        path = str(self._partial.path.absolute())
        self._file = av.open(path, "w", format=self._kind.muxer, container_options=options)
        self._stream = self._encoder.add_to(self._file)

    def _put(self, frame: Any) -> None:
        assert self._file is not None
        for packet in self._stream.encode(frame):
            self.written += packet.size
            self._file.mux(packet)

    def finish(self) -> None:
        """See `Sink`.

        Raises:
            OutputError: the disk is full, or the like.
        """
        assert self._file is not None and self._partial is not None
        with self._failing(), self._held:
            self._put(None)
            self._file.close()
            settle(self._partial, self._final, self._target, self._overwrite)
        self.written = self._final.stat().st_size

    def abandon(self) -> None:
        """See `Sink`."""
        if self._file is not None:
            with contextlib.suppress(OSError, ValueError):
                self._file.close()
        self._held.close()

    @contextlib.contextmanager
    def _failing(self) -> Any:
        import av

        try:
            yield
        except OSError as error:  # FFmpeg's errors of the system are such
            raise unwritable(self._target, error) from error
        except av.FFmpegError as error:
            raise OutputUnwritable(f"{self._target} cannot be written", str(error.strerror or error)) from error
