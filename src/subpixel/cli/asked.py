"""What the words of `subpixel upscale` say about models, turned into an upscaler."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from subpixel.errors import SettingError, SubpixelError
from subpixel.types import PrecisionChoice, Quality
from subpixel.upscaler import Upscaler
from subpixel.zoo import DEFAULT_QUALITY, QUALITIES

if TYPE_CHECKING:
    from subpixel.batch.naming import Job, PictureCoding
    from subpixel.plan import Target
    from subpixel.within import Fit, Work


@dataclass(frozen=True, slots=True)
class Running:
    """How networks are to be run: the arguments of `Upscaler` of the same names."""

    engine: str
    precision: PrecisionChoice
    threads: int | None
    tile: int | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Options about models, as they were typed; None or False where they were not.

    Raises:
        SettingError: one that cannot be right, or two that contradict each other.
    """

    model: str | None
    quality: str | None
    within: str | None
    restore: bool
    clean: bool
    auto: bool
    started: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        if self.quality is not None and self.quality not in QUALITIES:
            hint = f"give {', '.join(QUALITIES[:-1])} or {QUALITIES[-1]}"
            if self.quality.isdecimal():
                hint += f"; how finely the result is coded is --file-quality {self.quality}"
            raise SettingError(f"the quality is {self.quality!r}", hint)
        kinds = {"--auto": self.auto, "--restore": self.restore, "--clean": self.clean}
        both = [word for word, given in kinds.items() if given][:2]
        if len(both) > 1:
            raise SettingError(f"both {both[0]} and {both[1]} were given", "give one of them")
        if self.auto and self.model is not None:
            raise SettingError(
                "both --auto and --model were given", "a named model stays: leave one of them out, or give --restore"
            )
        if self.within is not None and self.quality is not None:
            raise SettingError("both --quality and --within were given", "the time decides on the quality: give one")
        if self.within is not None:
            self._seconds()

    def check(self, *, films: bool) -> None:
        """Raise SettingError for a quality that would change nothing. Of films it chooses the encoder's preset too."""
        if self.model is not None and self.quality in ("fast", "balanced") and not films:
            raise SettingError(
                f"both --model and --quality {self.quality} were given",
                "the quality chooses the model: give one (beside --model, --quality best is eight-fold)",
            )

    @property
    def restoring(self) -> bool | None:
        """Networks for squeezed pictures: always, never, or as each needs."""
        return True if self.restore else False if self.clean else None

    def _seconds(self) -> float:
        from subpixel.within import parse_time

        return parse_time(self.within or "")

    def worth(self) -> Quality:
        """The quality."""
        return next((quality for quality in QUALITIES if quality == self.quality), DEFAULT_QUALITY)

    def upscaler(
        self,
        running: Running,
        jobs: Callable[[Upscaler], Iterable[Job | tuple[Path, SubpixelError]]],
        targets: Sequence[Target],
        coding: PictureCoding,
        chosen: Callable[[str, Fit], None],
        *,
        plan: bool = False,
    ) -> Upscaler:
        """The upscaler for these pictures.

        Args:
            running: how networks are to be run.
            jobs: gives the pictures that have to fit into a time, for an upscaler that does not know of it; tuples are
                those that failed already.
            targets: what is to be made of each.
            coding: how results are written.
            chosen: told what was chosen for a time, as that was typed.
            plan: nothing will be written.
        """
        engine, threads, tile = running.engine, running.threads, running.tile
        asked = Upscaler(
            self.model, quality=self.worth(), restore=self.restoring,
            engine=engine, precision=running.precision, threads=threads, tile=tile,
        )  # fmt: skip
        if self.within is None:
            return asked
        works = [
            work
            for job in jobs(asked)
            if not isinstance(job, tuple)
            for work in self._works(job, targets, coding, plan=plan)
        ]
        if not works:
            return asked
        from subpixel.calibrating import Machine
        from subpixel.within import choose_within

        fit = choose_within(
            self._seconds(),
            works,
            targets,
            Machine(asked.threads, engine),
            model=self.model,
            precision=running.precision,
            tile=tile,
            spent=time.perf_counter() - self.started,
        )
        chosen(self.within, fit)
        return Upscaler(
            self.model, quality=fit.quality, restore=self.restoring, eightfold=fit.eightfold,
            engine=engine, precision=fit.precision, threads=threads, tile=tile,
        )  # fmt: skip

    def _works(self, job: Job, targets: Sequence[Target], coding: PictureCoding, *, plan: bool) -> list[Work]:
        """What a job will have to do; nothing where it will fail, which is told when its turn comes."""
        from subpixel.choosing import told_squeezed
        from subpixel.image import DEFAULT_PIXEL_LIMIT
        from subpixel.image.formats import by_name, by_suffix
        from subpixel.image.header import read_header
        from subpixel.within import Work

        try:
            if not plan:
                _check_outputs(job, targets, coding)
            header = read_header(job.source, pixel_limit=coding.pixel_limit or DEFAULT_PIXEL_LIMIT)
            for target in targets:
                target.size_for(header.size)
        except SubpixelError:
            return []
        wanted = None if coding.format is None else by_name(coding.format).name
        named = [by_suffix(path.suffix) for path in job.targets]
        formats = tuple(wanted or (header.format if row is None else row.name) for row in named)
        restore = self.restoring
        if restore is None:
            restore = False if self.model is not None else told_squeezed(header.coding) or None
        return [Work(header, formats, restore)]


def _check_outputs(job: Job, targets: Sequence[Target], coding: PictureCoding) -> None:
    """Raise SubpixelError where the results of a job cannot be written; folders are made for no longer than that."""
    from subpixel.batch.naming import drop_folders, make_folder
    from subpixel.filing import Outputs

    made: list[Path] = []
    try:
        for path in job.targets:
            made = make_folder(path) + made
        Outputs(job.targets, targets, coding.format, coding.file_quality, coding.lossless, coding.overwrite).check()
    finally:
        drop_folders(made)
