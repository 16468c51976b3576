"""What the main path hands back: results and where the time went."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from subpixel.plan import Plan
from subpixel.types import Picture, Precision, Size


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds of wall time by stage, and seconds of work summed over threads.

    Attributes:
        read: decoding the input.
        load: starting the engine and loading networks (0 when they were loaded before).
        run: computing the result, and coding it meanwhile where the format can be coded row by row.
        write: coding and writing what was not while it was computed.
        network: work inside networks, summed over threads.
        other: work around them (colour, cutting, rounding, resampling), summed over threads.
    """

    read: float = 0.0
    load: float = 0.0
    run: float = 0.0
    write: float = 0.0
    network: float = 0.0
    other: float = 0.0

    @property
    def total(self) -> float:
        """Wall time of all stages."""
        return self.read + self.load + self.run + self.write


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which networks a picture went through, and why.

    Attributes:
        restore: True where networks trained on squeezed pictures were taken.
        eightfold: True where the mean over all flips and transpositions was made.
        reason: what is known of the picture's compression, ``"JPEG of quality 62, chroma halved"``; empty where nobody
            looked, because there was nothing to choose.
        lacking: True where networks trained on squeezed pictures were asked for, and there are none; `reason` says so.
    """

    restore: bool = False
    eightfold: bool = False
    reason: str = ""
    lacking: bool = False

    def by(self, plan: Plan) -> Chosen:
        """The same, told of one plan: networks that are symmetric themselves run once where the mean was asked for."""
        return replace(self, eightfold=any(step.model.fold > 1 for step in plan.passes))


@dataclass(frozen=True, slots=True)
class Upscaled:
    """A picture that was made larger, and how.

    Attributes:
        picture: the result.
        plan: passes and tiles; results of one run of the networks have the same one.
        precision: arithmetic that was used.
        timings: where the time went. What several results of one run took stands with the first of them.
        chosen: why these networks.
    """

    picture: Picture
    plan: Plan
    precision: Precision
    timings: Timings
    chosen: Chosen = Chosen()

    @property
    def size(self) -> Size:
        """Width and height of the result."""
        return self.picture.size


@dataclass(frozen=True, slots=True)
class Sent:
    """A picture that was made larger, and whose rows were handed on as they were made.

    Attributes:
        size: width and height of the result.
        plan, precision, timings, chosen: as `Upscaled`.
    """

    size: Size
    plan: Plan
    precision: Precision
    timings: Timings
    chosen: Chosen = Chosen()


@dataclass(frozen=True, slots=True)
class FileResult:
    """A file that was written.

    Attributes:
        source: the input file.
        target: the file written.
        before: size of the input.
        after: size of the result.
        models: models used, in order; empty where only resampling was needed.
        notes: one line for everything that reading changed or the target's format could not hold.
        timings: where the time went. Of several results of one picture, reading stands with the first, and what a run
            of the networks took with the first of those that it gave.
        shared_with: the earlier result whose run of the networks gave this one too; None for the others.
        chosen: why these networks.
        precision: arithmetic that was used.
    """

    source: Path
    target: Path
    before: Size
    after: Size
    models: tuple[str, ...]
    notes: tuple[str, ...]
    timings: Timings
    shared_with: Path | None = None
    chosen: Chosen = Chosen()
    precision: Precision | None = None
