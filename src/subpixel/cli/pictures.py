"""`subpixel upscale` for pictures: one job after the other, what went wrong told and remembered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from subpixel.batch.naming import Job, Naming, PictureCoding, drop_folders, make_folder
from subpixel.cli.display import Display
from subpixel.cli.inputs import find_jobs, is_folder
from subpixel.cli.plan import show_plan
from subpixel.cli.start import stop_if_asked
from subpixel.errors import EngineError, ModelError, SubpixelError

if TYPE_CHECKING:
    from subpixel.cli.asked import Asked, Running
    from subpixel.cli.folderwords import FolderWords
    from subpixel.plan import Target
    from subpixel.upscaler import Upscaler


@dataclass(frozen=True, slots=True)
class PictureWork:
    """The pictures of one command, and folders of them.

    Attributes:
        inputs: files and folders.
        naming: how results are named.
        targets: factor or size of each result.
        coding: how pictures are read and results written.
        words: options for folders.
    """

    inputs: Sequence[Path]
    naming: Naming
    targets: Sequence[Target]
    coding: PictureCoding
    words: FolderWords

    def run(
        self, asked: Asked, running: Running, *, plan: bool, quiet: bool, as_json: bool
    ) -> tuple[int, list[SubpixelError]]:
        """Make them larger, or show what would be done; returns how many there were, and what went wrong.

        Raises:
            ModelError, EngineError, DiskFull: as wrong for every other picture.
            SettingError, OutputUnwritable: words that cannot be right for any of them.
        """
        claims = filters = None
        if len(self.inputs) > 1 or any(map(is_folder, self.inputs)):  # one file takes no time for it
            from subpixel.batch.claims import Claims

            claims, filters = Claims(), self.words.filters
        folders = self.words.folders(self.inputs, self.naming, claims)
        whole = plan and as_json  # programs get the plan of every picture
        find = partial(find_jobs, self.inputs, self.naming, filters)
        jobs = list(find(claims, folders=whole))

        def timed(upscaler: Upscaler) -> Iterable[Job | tuple[Path, SubpixelError]]:
            if not folders:
                return jobs
            from subpixel.batch.claims import Claims
            from subpixel.batch.planning import pending
            from subpixel.batch.run import Wanted

            again = self.words.folders(self.inputs, self.naming, Claims())
            wanted = Wanted(tuple(self.targets), self.coding)
            return chain(jobs, pending(again, upscaler, wanted, asked.within))

        with (
            Display(None if folders else len(jobs), quiet=quiet, as_json=as_json) as display,
            asked.upscaler(running, timed, self.targets, self.coding, display.fitted, plan=plan) as upscaler,
        ):
            failed = upscale_pictures(jobs, self.targets, self.coding, upscaler, display, plan=plan, as_json=as_json)
            if not folders or whole:
                return len(jobs), failed
            from subpixel.batch.run import Wanted
            from subpixel.cli.folders import FolderJobs

            wanted = Wanted(tuple(self.targets), self.coding)
            batch = FolderJobs(folders, self.words, wanted, asked.within, display)
            more, wrong = batch.plan(upscaler) if plan else batch.run(upscaler)
            return len(jobs) + more, failed + wrong


def upscale_pictures(
    jobs: Sequence[Job | tuple[Path, SubpixelError]],
    targets: Sequence[Target],
    coding: PictureCoding,
    upscaler: Upscaler,
    display: Display,
    *,
    plan: bool,
    as_json: bool,
) -> list[SubpixelError]:
    """Make pictures larger, or show what would be done; returns what went wrong.

    Raises:
        ModelError, EngineError: as wrong for every other picture.
    """
    failed: list[SubpixelError] = []
    for job in jobs:
        if isinstance(job, tuple):
            failed.append(job[1])
            display.error(*job)
            continue
        display.begin(job.source)
        made: list[Path] = []
        try:
            if plan:
                limit = coding.pixel_limit
                show_plan(upscaler, job.source, targets, pixel_limit=limit, as_json=as_json, within=display.within)
                continue
            for target in job.targets:
                made = make_folder(target) + made
            results = upscaler.files(
                job.source,
                job.targets,
                targets,
                format=coding.format,
                file_quality=coding.file_quality,
                lossless=coding.lossless,
                pyramid=coding.pyramid,
                overwrite=coding.overwrite,
                pixel_limit=coding.pixel_limit,
                progress=display.progress,
            )
            display.results(results)
        except (ModelError, EngineError):
            drop_folders(made)
            raise  # as wrong for every other picture
        except SubpixelError as error:
            drop_folders(made)
            stop_if_asked()
            failed.append(error)
            display.error(job.source, error)
    return failed
