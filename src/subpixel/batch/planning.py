"""What a run over folders would do, from the headers of their pictures and the journal, without doing it."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from subpixel.batch.deciding import Why, decide
from subpixel.batch.folder import Folder, by_root
from subpixel.batch.journal import Journal
from subpixel.batch.naming import Job
from subpixel.batch.report import Failure
from subpixel.batch.room import memory_of
from subpixel.batch.run import Wanted
from subpixel.batch.settings import settings_of
from subpixel.choosing import told_squeezed
from subpixel.engines import nominal_gflops, usable_cores
from subpixel.errors import SubpixelError
from subpixel.image import DEFAULT_PIXEL_LIMIT
from subpixel.image.header import read_header
from subpixel.upscaler import Upscaler


@dataclass(slots=True)
class FolderPlan:
    """What would be done.

    Attributes:
        sources: the folders of pictures.
        output: the folder of results.
        make: pictures that would be made larger.
        unchanged: pictures whose results are there.
        failed: pictures that are known to fail.
        differs: settings that changed since the last run, where that makes pictures anew.
        before: pixels of all that would be read.
        after: pixels of all results.
        models: how many pictures go through each.
        seconds: in the networks, about.
        memory: of the largest picture, bytes, about.
    """

    sources: list[Path]
    output: Path
    make: int = 0
    unchanged: int = 0
    failed: list[Failure] = field(default_factory=list)
    differs: tuple[str, ...] = ()
    before: int = 0
    after: int = 0
    models: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    memory: int = 0


def plan_folders(
    folders: Sequence[Folder], upscaler: Upscaler, wanted: Wanted, within: str | None = None
) -> Iterator[FolderPlan]:
    """Plans, one for each place that results go to; arguments as `run_folders`. Nothing is written."""
    settings = settings_of(upscaler, wanted.targets, wanted.coding, within)
    for root, some in by_root(folders).items():
        plan = FolderPlan([folder.source for folder in some], root)
        with Journal(root, settings, overwrite=wanted.coding.overwrite, peek=True) as journal:
            for folder in some:
                for item in folder.items(journal):
                    if isinstance(item, Job):
                        _add(plan, item, journal, upscaler, wanted)
                    else:
                        plan.failed.append(Failure(*item))
        yield plan


def pending(folders: Sequence[Folder], upscaler: Upscaler, wanted: Wanted, within: str | None = None) -> Iterator[Job]:
    """The pictures that a run would make; arguments as `run_folders`. Nothing is written."""
    settings = settings_of(upscaler, wanted.targets, wanted.coding, within)
    for root, some in by_root(folders).items():
        with Journal(root, settings, overwrite=wanted.coding.overwrite, peek=True) as journal:
            for folder in some:
                for item in folder.items(journal):
                    if not isinstance(item, Job):
                        continue
                    with contextlib.suppress(SubpixelError):  # told when its turn comes
                        if decide(item, journal, wanted.coding.overwrite).why is not Why.FINISHED:
                            yield item


def _add(plan: FolderPlan, job: Job, journal: Journal, upscaler: Upscaler, wanted: Wanted) -> None:
    """One picture."""
    try:
        why = decide(job, journal, wanted.coding.overwrite).why
        if why is Why.FINISHED:
            plan.unchanged += 1
            return
        header = read_header(job.source, pixel_limit=wanted.coding.pixel_limit or DEFAULT_PIXEL_LIMIT)
        choose = upscaler.choose
        restore = choose.restore or (choose.restore is None and told_squeezed(header.coding))
        networks = choose.restoring if restore else choose.clean
        plans = upscaler.plans(header.size, wanted.targets, networks)
    except SubpixelError as error:
        plan.failed.append(Failure(job.source, error))
        return
    plan.make += 1
    if why is Why.SETTINGS:
        plan.differs = journal.differs
    plan.before += header.size.pixels * header.frames
    speed = nominal_gflops(networks.precision_for(header.bits)) * min(upscaler.threads, usable_cores())
    for one in plans:
        plan.after += sum(size.pixels for size in one.targets) * header.frames
        plan.models[" + ".join(step.model.name for step in one.passes) or "resampling"] += 1
        plan.seconds += one.seconds(gflops=speed, frames=header.frames)
        plan.memory = max(plan.memory, memory_of(one, header, upscaler))
