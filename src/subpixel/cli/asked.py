"""What the words of `subpixel upscale` say about models, turned into an upscaler."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from subpixel.errors import SettingError, SubpixelError
from subpixel.types import PrecisionChoice, Quality
from subpixel.upscaler import Upscaler
from subpixel.zoo import DEFAULT_QUALITY, QUALITIES

if TYPE_CHECKING:
    from subpixel.cli.inputs import Job
    from subpixel.plan import Target
    from subpixel.within import Work


@dataclass(frozen=True, slots=True)
class Running:
    """How networks are to be run: the arguments of `Upscaler` of the same names."""

    engine: str
    precision: PrecisionChoice
    threads: int | None
    tile: int | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Options about models, as they were typed; None where they were not.

    Raises:
        SettingError: one that cannot be right, or two that contradict each other.
    """

    model: str | None
    quality: str | None
    within: str | None
    restore: bool | None
    auto: bool
    started: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        if self.quality is not None and self.quality not in QUALITIES:
            hint = f"give {', '.join(QUALITIES[:-1])} or {QUALITIES[-1]}"
            if self.quality.isdecimal():
                hint += f"; how finely the result is coded is --file-quality {self.quality}"
            raise SettingError(f"the quality is {self.quality!r}", hint)
        if self.auto and self.restore is not None:
            word = "--restore" if self.restore else "--clean"
            raise SettingError(f"both --auto and {word} were given", "give one of them")
        if self.within is not None and self.quality is not None:
            raise SettingError("both --quality and --within were given", "the time decides on the quality: give one")
        if self.within is not None:
            self._seconds()

    def _seconds(self) -> float:
        from subpixel.within import parse_time

        return parse_time(self.within or "")

    def _worth(self) -> Quality:
        return next((quality for quality in QUALITIES if quality == self.quality), DEFAULT_QUALITY)

    def upscaler(
        self,
        running: Running,
        jobs: Sequence[Job | tuple[Path, SubpixelError]],
        targets: Sequence[Target],
        format: str | None,
        say: Callable[[str], None],
    ) -> Upscaler:
        """The upscaler for these pictures.

        Args:
            running: how networks are to be run.
            jobs: the pictures; tuples are those that failed already.
            targets: what is to be made of each.
            format: to write, by name; None: by each output's suffix.
            say: told in one line what was chosen for a time.
        """
        engine, threads, tile = running.engine, running.threads, running.tile
        if self.within is None:
            return Upscaler(
                self.model, quality=self._worth(), restore=self.restore,
                engine=engine, precision=running.precision, threads=threads, tile=tile,
            )  # fmt: skip
        from subpixel.calibrating import Machine
        from subpixel.within import choose_within

        checked = Upscaler(self.model, engine=engine, precision=running.precision, threads=threads, tile=tile)
        works = [work for job in jobs if not isinstance(job, tuple) for work in _works(job, format)]
        fit = choose_within(
            self._seconds(),
            works,
            targets,
            Machine(checked.threads, engine),
            model=self.model,
            precision=running.precision,
            tile=tile,
            spent=time.perf_counter() - self.started,
        )
        say(f"within {self.within}: {fit.line}")
        return Upscaler(
            self.model, quality=fit.quality, restore=self.restore, eightfold=fit.eightfold,
            engine=engine, precision=fit.precision, threads=threads, tile=tile,
        )  # fmt: skip


def _works(job: Job, format: str | None) -> list[Work]:
    """What a job will have to do; nothing where its picture cannot be read, which is told when its turn comes."""
    from subpixel.image.formats import by_name, by_suffix
    from subpixel.image.header import read_header
    from subpixel.within import Work

    try:
        header = read_header(job.source)
        wanted = None if format is None else by_name(format).name
        named = [by_suffix(path.suffix) for path in job.targets]
        return [Work(header, tuple(wanted or (header.format if row is None else row.name) for row in named))]
    except (SubpixelError, OSError):
        return []
