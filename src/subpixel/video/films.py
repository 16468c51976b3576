"""The main path of a film, top to bottom: look → choose → check → decode, enlarge and encode → put together."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final, Literal, TypeAlias

from subpixel import __version__
from subpixel.choosing import Choice
from subpixel.engines import nominal_gflops, usable_cores
from subpixel.errors import OutputUnwritable, SettingError
from subpixel.image.targets import Partial, place, settle
from subpixel.plan import Target
from subpixel.results import Chosen
from subpixel.types import Size
from subpixel.upscaler import Upscaler
from subpixel.video import assembly
from subpixel.video.clips import Clip, Track, probe
from subpixel.video.codecs import default_codec
from subpixel.video.containers import Container, container_for
from subpixel.video.conversion import bits_of, depth_of
from subpixel.video.copying import Recipe
from subpixel.video.decoding import Filter
from subpixel.video.deinterlace import Deinterlacer
from subpixel.video.encoding import Coding, Encoder
from subpixel.video.encoding import settle as settle_encoder
from subpixel.video.flow import Clock, Source, Tell, make
from subpixel.video.frames import FrameUpscaler
from subpixel.video.health import Place
from subpixel.video.journal import Journal, Origin
from subpixel.video.planes import Frame
from subpixel.video.reading import FilmSource, Span
from subpixel.video.segments import SegmentSink
from subpixel.video.squeezed import judge

Deinterlace: TypeAlias = Literal["auto", "on", "off"]
"""``"auto"``: where the film is interlaced; ``"on"``: whatever it says of itself; ``"off"``: never."""

_DEINTERLACE: Final[tuple[Deinterlace, ...]] = ("auto", "on", "off")


def parse_deinterlace(text: str) -> Deinterlace:
    """The way to deinterlace of that name.

    Raises:
        SettingError: there is none.
    """
    for one in _DEINTERLACE:
        if one == text:
            return one
    raise SettingError(f"deinterlacing is {text!r}", f"it can be {', '.join(_DEINTERLACE)}")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be made of a film.

    Attributes:
        target: factor or size.
        coding: codec, quality and speed; None: the codec of the target's container, by the upscaler's quality.
        span: the part that is wanted.
        deinterlace: whether two fields are made one frame.
        drop: numbers of streams that are not copied.
        overwrite: replace an existing file.
        resume: go on with work that was stopped.
        reuse: take what is as in the last frame from its result.
    """

    target: Target
    coding: Coding = field(default_factory=Coding)
    span: Span = field(default_factory=Span)
    deinterlace: Deinterlace = "auto"
    drop: tuple[int, ...] = ()
    overwrite: bool = False
    resume: bool = False
    reuse: bool = True

    def __post_init__(self) -> None:
        parse_deinterlace(self.deinterlace)


@dataclass(frozen=True, slots=True)
class FilmResult:
    """A film that was made larger.

    Attributes:
        source: the file that was read.
        target: the file that was written.
        before: size of its frames.
        after: size of the result's.
        frames: how many.
        resumed: how many of them an earlier run had finished.
        models: names of the networks, in order.
        encoder: FFmpeg's name of the encoder.
        bytes: size of the result.
        clock: how long each part was busy.
        reused: share of the pixels that were taken from the frame before, 0–1.
        notes: one line for each thing that is not as in the source, or was wrong with it.
    """

    source: Path
    target: Path
    before: Size
    after: Size
    frames: int
    resumed: int
    models: tuple[str, ...]
    encoder: str
    bytes: int
    clock: Clock
    reused: float
    notes: tuple[str, ...]


class Film:
    """One film on its way: everything is looked at and checked before any frame is made.

    Args:
        source: the file.
        target: the file to write; its suffix chooses the container.
        upscaler: which networks, how they run.
        wishes: what is to be made.

    Raises:
        PictureError: the source cannot be read, or has no film.
        SettingError: wishes that cannot be fulfilled together.
        OutputError: the target exists, or cannot be written.
    """

    alone = False
    """True where the source is no file with streams, which could be copied."""

    def __init__(self, source: str | Path, target: str | Path, upscaler: Upscaler, wishes: Wishes) -> None:
        self.target, self.wishes, self._upscaler = Path(target), wishes, upscaler
        container = container_for(self.target)
        self.final = place(self.target, wishes.overwrite)
        self.clip = self._looked_at(Path(source))
        if self.final.exists() and not self.alone and self.final.samefile(self.clip.path):
            raise OutputUnwritable(f"{target} is the input", "give another name with -o")
        choice = self._chosen(upscaler)
        self.chosen = choice.chosen
        self._enlarger = FrameUpscaler(upscaler, wishes.target, reuse=wishes.reuse, networks=choice.networks)
        exact = self._enlarger.size_for(self.clip.size)
        coding = wishes.coding
        if not coding.codec:
            coding = replace(coding, codec=default_codec(container.suffixes[0]))
        self.encoder: Encoder = settle_encoder(
            coding, self.clip, exact, container, min(upscaler.threads, usable_cores())
        )
        self.encoder.open()  # refuses what it does not take, before the work
        recipe = Recipe(self.clip, wishes.span, container, self.encoder, wishes.drop, self.alone)
        self._recipe, self._said = assembly.check(recipe, self.target)
        self._said = (*self._said, *self._changed(exact, container), *said_of(self.chosen))
        self.plan = self._enlarger.plan(self.clip.size)

    def _looked_at(self, source: Path) -> Clip:
        """What is in the source."""
        return probe(source)

    def _chosen(self, upscaler: Upscaler) -> Choice:
        """Networks for this film."""
        return choose_for(self.clip, upscaler)

    def _changed(self, exact: Size, container: Container) -> Iterator[str]:
        """A line for each thing that will not be as in the source."""
        clip, encoder = self.clip, self.encoder
        if encoder.size != exact:
            yield f"{exact} cut to {encoder.size}: {encoder.codec.title} needs even sides"
        if container.tick and (1 / clip.rate / container.tick).denominator != 1 and clip.time_base < container.tick:
            yield f"{container.title} rounds timestamps to milliseconds"
        before, after = depth_of(clip.format), bits_of(encoder.format)
        if before > after:
            yield f"{before} bits a sample become {after} in {encoder.codec.title}"
        if clip.turned and clip.turned not in container.turned:
            yield f"{clip.turned} cannot be kept in {container.title}"
        yield from changed(clip, self.wishes.deinterlace)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the result will not have as the source has it, known before the work."""
        return self._said

    def source(self, place: Place | None = None) -> Source:
        """The frames that are to be enlarged; `place`: where an earlier run has come to."""
        return FilmSource(
            self.clip,
            self.encoder.format,
            span=self.wishes.span,
            deinterlace=filter_for(self.wishes.deinterlace),
            threads=self._upscaler.threads,
            place=place,
        )

    @property
    def copied(self) -> tuple[Track, ...]:
        """Streams that are copied as they are."""
        return self._recipe.kept

    def seconds(self, upscaler: Upscaler) -> float | None:
        """Rough time the networks will take, None where the number of frames is not known."""
        frames = self.source().count
        if frames is None:
            return None
        speed = nominal_gflops(self._enlarger.precision(bits_of(self.encoder.format)))
        return self.plan.seconds(gflops=speed * min(upscaler.threads, usable_cores()), frames=frames)

    def _facts(self) -> tuple[int, int]:
        """Bytes of the source, and when it was last changed, in nanoseconds: by these a journal knows it again."""
        status = self.clip.path.stat()
        return status.st_size, status.st_mtime_ns

    def _journal(self) -> Journal:
        settings = {
            "version": __version__,
            "models": [step.model.name for step in self.plan.passes],
            "engine": self._upscaler.engine,
            "eightfold": self._upscaler.choose.eightfold,
            "precision": self._enlarger.precision(bits_of(self.encoder.format)),
            "size": str(self.encoder.size),
            "encoder": str(asdict(self.encoder)),
            "span": str(self.wishes.span),
            "deinterlace": self.wishes.deinterlace,
        }
        origin = Origin(self.clip.path.name, *self._facts(), json.dumps(settings))
        return Journal(self.final, origin)

    def make(self, *, progress: Tell | None = None, cancel: threading.Event | None = None) -> FilmResult:
        """Make it.

        Args:
            progress: told of every finished frame.
            cancel: set it to stop.

        Raises:
            Cancelled: `cancel` was set; what is finished is kept for `Wishes.resume`.
            SubpixelError: as `Film`, or the networks fail, or the disk is full.
        """
        journal = self._journal()
        journal.begin(resume=self.wishes.resume, overwrite=self.wishes.overwrite)
        source = self.source(journal.place)
        resumed = journal.frames

        copied: list[str] = []

        def whole() -> None:
            copied[:] = assembly.assemble(self._recipe, journal, self.target)
            made = Partial(journal.result, journal.result.open("r+b"))
            settle(made, self.final, self.target, self.wishes.overwrite)

        sink = SegmentSink(journal, self.encoder, whole)
        with self._enlarger:
            frames, clock = make(source, self._enlarge, sink, skip=resumed, progress=progress, cancel=cancel)
        return FilmResult(
            source=self.clip.path,
            target=self.target,
            before=self.clip.size,
            after=self.encoder.size,
            frames=frames,
            resumed=resumed,
            models=tuple(step.model.name for step in self.plan.passes),
            encoder=self.encoder.encoder,
            bytes=self.final.stat().st_size,
            clock=clock,
            reused=self._enlarger.reused_share,
            notes=(*self._said, *source.health.notes(), *copied),
        )

    def forget(self) -> None:
        """Throw away what an earlier run has finished, unless another run is at it."""
        self._journal().forget()

    def _enlarge(self, frame: Frame) -> Frame:
        return self._enlarger.upscale(frame)


def changed(clip: Clip, deinterlace: Deinterlace) -> Iterator[str]:
    """A line for each thing about its frames that no result has."""
    if deinterlace == "on" or (deinterlace == "auto" and clip.interlaced):
        what = "the film is interlaced" if clip.interlaced else "as asked"
        yield f"{what}: deinterlaced; --deinterlace off leaves the fields"
    for thing in clip.lost:
        yield f"{thing} cannot be kept"


def choose_for(clip: Clip, upscaler: Upscaler) -> Choice:
    """Networks for a film: as asked, or as strongly as it is squeezed."""

    def judged() -> tuple[bool, str]:
        verdict = judge(clip)
        return verdict.squeezed, verdict.reason

    return upscaler.choose.film(judged)


def said_of(chosen: Chosen) -> Iterator[str]:
    """A line about networks that nobody asked for."""
    if chosen.restore and chosen.reason and not chosen.lacking:
        yield f"strongly squeezed ({chosen.reason}): restored; --clean keeps all as it is"


def filter_for(deinterlace: Deinterlace) -> Callable[[], Filter] | None:
    """What frames pass through before they are enlarged. A film may be interlaced later than where it was looked at."""
    return None if deinterlace == "off" else partial(Deinterlacer, every=deinterlace == "on")
