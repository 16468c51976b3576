"""`subpixel upscale` for folders: the journal goes on where the last run ended, everything is told as it happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from subpixel.batch.folder import Folder
from subpixel.batch.oneline import Watching, run_folders
from subpixel.batch.planning import plan_folders
from subpixel.batch.report import Failure, Progress, Report
from subpixel.batch.run import Listener, Wanted
from subpixel.cli.display import seconds_text
from subpixel.cli.folderwords import FolderWords
from subpixel.errors import SubpixelError

if TYPE_CHECKING:
    from subpixel.cli.display import Display
    from subpixel.results import FileResult
    from subpixel.upscaler import Upscaler


class Telling:
    """Tells on a display what becomes of pictures.

    Args:
        display: where.
        bar: show how far everything is; False where new pictures may arrive.

    Attributes:
        made: pictures that were made.
    """

    def __init__(self, display: Display, *, bar: bool = True) -> None:
        self.display, self.made = display, 0
        self.listener = Listener(
            made=self._made, failed=self._failed, note=lambda line: display.say(f"note: {line}"),
            progress=self._progress if bar else lambda progress: None,
        )  # fmt: skip

    def interrupted(self) -> None:
        """Ctrl-C was pressed."""
        self.display.say(f"{self.made} made: the same command goes on with the rest")

    def _made(self, results: Sequence[FileResult]) -> None:
        self.made += 1
        self.display.results(results)

    def _failed(self, failure: Failure) -> None:
        self.display.error(failure.source, failure.error)

    def _progress(self, progress: Progress) -> None:
        name = "" if progress.current is None else progress.current.name
        many = "" if progress.total is None else f" of {progress.total}"
        left = "" if progress.left is None else f"{seconds_text(progress.left)} left"
        self.display.share(progress.share, f"{name} ({progress.done}{many})".strip(), left)


@dataclass(frozen=True, slots=True)
class FolderJobs:
    """The folders of one command.

    Attributes:
        folders: they.
        words: options for folders.
        wanted: what is made of each picture.
        within: a time that chose the networks, as typed.
        display: where everything is shown.
    """

    folders: Sequence[Folder]
    words: FolderWords
    wanted: Wanted
    within: str | None
    display: Display

    def run(self, upscaler: Upscaler) -> tuple[int, list[SubpixelError]]:
        """Make everything larger; returns how many pictures there were, and what went wrong.

        Raises:
            ModelError, EngineError, DiskFull: as wrong for every other picture.
            OutputUnwritable: results cannot be written at all.
        """
        display = self.display
        watching = None
        if self.words.watch:
            watching = Watching(interruptible=True)
            for folder in self.folders:
                display.say(f"watching {folder.source}: pictures are made larger as they arrive; Ctrl-C ends it")
        telling = Telling(display, bar=not self.words.watch)
        try:
            reports = run_folders(
                self.folders, upscaler, self.wanted, telling.listener,
                within=self.within, watching=watching, whole_program=True,
            )  # fmt: skip
        except KeyboardInterrupt:
            telling.interrupted()
            raise
        for report in reports:
            self._end(report)
        return sum(report.pictures for report in reports), [one.error for report in reports for one in report.failed]

    def plan(self, upscaler: Upscaler) -> tuple[int, list[SubpixelError]]:
        """Show what would be done, and do nothing; returns as `run`."""
        count, failed = 0, []
        for plan in plan_folders(self.folders, upscaler, self.wanted, self.within):
            for failure in plan.failed:
                self.display.error(failure.source, failure.error)
            count += plan.make + plan.unchanged + len(plan.failed)
            failed += [failure.error for failure in plan.failed]
            sources = ", ".join(str(source) for source in plan.sources)
            print(f"{sources} → {plan.output}  {plan.make} to make, {plan.unchanged} there already")
            if not plan.make:
                continue
            for line in plan.differs:
                print(f"  anew      {line}")
            print(f"  pixels    {plan.before / 1e6:.1f} million → {plan.after / 1e6:.1f} million")
            for name, pictures in plan.models.most_common():
                print(f"  model     {name}: {pictures}")
            print(f"  engine    {upscaler.engine}, {upscaler.precision_for(8)}, {upscaler.threads} threads")
            print(f"  memory    about {plan.memory / 1e6:.0f} MB at the peak, for the largest picture")
            print(f"  time      about {seconds_text(plan.seconds)} in the networks")
        return count, failed

    def _end(self, report: Report) -> None:
        if report.unchanged or report.anew or self.words.watch:
            self.display.say(f"{report.output}: {report.line}")
        if report.table is not None:
            self.display.say(f"what failed, and why: {report.table}")
        if self.words.report is not None:
            report.write(self.words.report)
