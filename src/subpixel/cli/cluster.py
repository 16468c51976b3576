"""`subpixel upscale` on many computers, and for places that are named by URLs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from subpixel.batch.claims import Claims
from subpixel.batch.naming import Naming, PictureCoding
from subpixel.batch.run import Listener, Wanted
from subpixel.cli.display import Display
from subpixel.cli.folders import Telling
from subpixel.cli.inputs import find_jobs
from subpixel.cluster.nodes import is_address
from subpixel.cluster.oneline import Work, making_of, run_far, run_near
from subpixel.cluster.orders import Making
from subpixel.cluster.places import is_url
from subpixel.cluster.report import ClusterReport
from subpixel.errors import SettingError, SubpixelError

if TYPE_CHECKING:
    from subpixel.cli.asked import Asked, Running
    from subpixel.cli.folderwords import FolderWords
    from subpixel.plan import Target


@dataclass(frozen=True, slots=True)
class ClusterWork:
    """The pictures of one command.

    Attributes:
        address: of the cluster; None: this computer alone.
        inputs: files, folders and URLs.
        naming: how results are named.
        targets: factor or size of each result.
        coding: how pictures are read and results written.
        words: options for folders.
    """

    address: str | None
    inputs: Sequence[str]
    naming: Naming
    targets: Sequence[Target]
    coding: PictureCoding
    words: FolderWords

    def run(
        self, asked: Asked, running: Running, *, films: bool, plan: bool, quiet: bool, as_json: bool
    ) -> tuple[int, list[SubpixelError]]:
        """Make them larger; returns how many there were, and what went wrong.

        Raises:
            ClusterError, ModelError, EngineError, DiskFull: as wrong for every other picture.
            SettingError, OutputUnwritable: words that cannot be right for any of them.
        """
        self._check(asked, films=films, plan=plan)
        words = Making(
            asked.model, asked.worth(), asked.restoring, None, running.engine, running.precision, tile=running.tile
        )
        making = making_of(words, running.threads, cluster=self.address is not None)
        work = Work(making, Wanted(tuple(self.targets), self.coding), self.address)
        with Display(None, quiet=quiet, as_json=as_json) as display:
            telling = Telling(display)
            try:
                reports = self._reports(work, telling.listener)
            except KeyboardInterrupt:
                telling.interrupted()
                raise
            for report in reports:
                self._end(report, display)
        failed = [failure.error for report in reports for failure in report.failed]
        return sum(report.pictures for report in reports), failed

    def _check(self, asked: Asked, *, films: bool, plan: bool) -> None:
        word = "a URL" if self.address is None else "--cluster"
        if self.address is not None and not is_address(self.address):
            hint = "give ray://HOST:10001, HOST:6379, auto, or nothing for one on this computer alone"
            raise SettingError(f"{self.address} is no address of a cluster", hint)
        if films:
            raise SettingError(f"{word} was given with a video", "videos are made on one computer, from its own files")
        given = {"--within": asked.within is not None, "--plan": plan, "--watch": self.words.watch}
        for other, there in given.items():
            if there:
                raise SettingError(f"both {other} and {word} were given", f"leave one of them out: {other} is for one "
                                   "computer and its own files")  # fmt: skip

    def _reports(self, work: Work, listener: Listener) -> list[ClusterReport]:
        if any(map(is_url, (*self.inputs, self.naming.output or ""))):
            words, naming = self.words, self.naming
            return [run_far(self.inputs, naming.output, naming.labels, words.filters, work, listener)]
        claims, paths = Claims(), [Path(name) for name in self.inputs]
        folders = self.words.folders(paths, self.naming, claims)
        jobs = list(find_jobs(paths, self.naming, self.words.filters, claims, folders=False))
        return run_near(folders, jobs, work, listener)

    def _end(self, report: ClusterReport, display: Display) -> None:
        named = "" if report.output == Path() else f"{report.output}: "
        nodes = ", ".join(f"{name} {count}" for name, count in report.nodes.most_common(8))
        more = f" and {len(report.nodes) - 8} more" if len(report.nodes) > 8 else ""
        display.say(f"{named}{report.line}{f' ({nodes}{more})' if nodes and self.address is not None else ''}")
        if report.table is not None:
            display.say(f"what failed, and why: {report.table}")
        if self.words.report is not None and report.output != Path():
            report.write(self.words.report)
