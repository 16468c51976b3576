"""What a run shows: one line per result on standard output, a progress bar and errors on standard error."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from subpixel.errors import SubpixelError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID
    from rich.table import Table

    from subpixel.results import Chosen, FileResult
    from subpixel.within import Fit

_UNBOUNDED = 10_000  # columns
_PATIENCE = 0.4  # seconds before a progress bar is worth drawing (and importing)


def seconds_text(seconds: float) -> str:
    """``0.34 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 9.95:
        return f"{seconds:.2g} s" if seconds < 1 else f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 90:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def told_models(models: Sequence[str], chosen: Chosen) -> str:
    """``espcn-x2 + espcn-x4``, ``JPEG of quality 62, chroma halved: crisp-restore-x4``, ``fine-x4 eight-fold``."""
    if not models:
        return "resampling"
    names = " + ".join(models) + (" eight-fold" if chosen.eightfold else "")
    return f"{chosen.reason}: {names}" if chosen.reason and chosen.restore else names


def print_table(made: Callable[[str], Table]) -> None:
    """Print a table and cut nothing: pairs of numbers stand under each other where that helps, lines are too long else.

    Args:
        made: makes the table, of columns that do not wrap, with this between the two numbers of a pair.
    """
    from rich.console import Console
    from rich.measure import Measurement

    console = Console()
    unbounded = console.options.update(max_width=_UNBOUNDED)
    for between in (" ", "\n"):
        table = made(between)
        needed = Measurement.get(console, unbounded, table).maximum
        if needed <= console.width:
            break
    console.width = max(console.width, needed)
    console.print(table)


class Display:
    """Shows the results of one run.

    Args:
        pictures: number of pictures, None if it is not known.
        quiet: show nothing but errors.
        as_json: one JSON object per result on standard output, errors included.
    """

    def __init__(self, pictures: int | None, *, quiet: bool, as_json: bool) -> None:
        self._pictures = pictures
        self._quiet = quiet
        self._json = as_json
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._label = ""
        self._finished = 0
        self._unread = False
        self.within: dict[str, object] | None = None
        """What was chosen for a time, for programs."""
        self._started = time.monotonic()
        self._shown = not quiet and not as_json and sys.stderr is not None and sys.stderr.isatty()

    def __enter__(self) -> Display:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begin(self, source: Path) -> None:
        """A picture is begun."""
        self._label = source.name

    def progress(self, done: int, total: int) -> None:
        """`done` of `total` tiles of the current picture are finished."""
        if not self._shown or time.monotonic() - self._started < _PATIENCE:
            return
        if self._bar is None:
            self._bar, self._task = self._make_bar()
        assert self._task is not None
        many = self._pictures or 1
        label = self._label if many == 1 else f"{self._label} ({self._finished + 1} of {many})"
        self._bar.update(self._task, completed=self._finished + done / total, total=many, description=label)

    def share(self, share: float, label: str, left: str) -> None:
        """That share of everything is done, 0–1."""
        if not self._shown or time.monotonic() - self._started < _PATIENCE:
            return
        if self._bar is None:
            self._bar, self._task = self._make_bar(own=True)
        assert self._task is not None
        self._bar.update(self._task, completed=share, total=1.0, description=label, left=left)

    def say(self, line: str) -> None:
        """A line about the whole, for people."""
        if not self._quiet and not self._json:
            self._line(line)

    def _make_bar(self, *, own: bool = False) -> tuple[Progress, TaskID]:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[left]}") if own else TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        bar.start()
        return bar, bar.add_task("", total=None, left="")

    def fitted(self, within: str, fit: Fit) -> None:
        """Something was chosen for a time, as that was typed."""
        self.within = {"time": within, "seconds": round(fit.seconds, 4), "fits": fit.fits, "choice": fit.line}
        if not self._quiet and not self._json:
            self._line(f"within {within}: {fit.line}")

    def results(self, results: Sequence[FileResult]) -> None:
        """Everything that was asked for of a picture was written."""
        self._finished += 1
        for result in results:
            self._result(result)
        runs = [result for result in results if result.shared_with is None]
        if len(runs) > 1 and not self._quiet and not self._json:
            self._line(f"  note: no one network gives all of these: computed in {len(runs)} runs")

    def _result(self, result: FileResult) -> None:
        if self._json:
            times = result.timings
            row = {
                "input": str(result.source),
                "output": str(result.target),
                "from": [result.before.width, result.before.height],
                "size": [result.after.width, result.after.height],
                "models": list(result.models),
                "restore": result.chosen.restore,
                "eightfold": result.chosen.eightfold,
                "reason": result.chosen.reason,
                "within": self.within,
                "precision": result.precision,
                "shared_with": None if result.shared_with is None else str(result.shared_with),
                "notes": list(result.notes),
                "seconds": {
                    "total": round(times.total, 4),
                    "read": round(times.read, 4),
                    "load": round(times.load, 4),
                    "run": round(times.run, 4),
                    "write": round(times.write, 4),
                },
            }
            self._line(json.dumps(row))
        elif not self._quiet:
            how = told_models(result.models, result.chosen)
            took = seconds_text(result.timings.total) if result.shared_with is None else "in the same run"
            self._line(f"{result.source} → {result.target}  {result.before} → {result.after}, {how}, {took}")
            for note in (*((result.chosen.reason,) if result.chosen.lacking else ()), *result.notes):
                self._line(f"  note: {note}")

    def error(self, source: Path, error: SubpixelError) -> None:
        """A picture failed."""
        self._finished += 1
        if self._json:
            self._line(json.dumps({"input": str(source), "error": error.what, "hint": error.hint}))
        elif self._bar is not None:
            self._bar.console.print(f"subpixel: {error}", markup=False, highlight=False, soft_wrap=True)
        else:
            print(f"subpixel: {error}", file=sys.stderr)

    def _line(self, text: str) -> None:
        """One line on standard output, without tearing the bar where both go to one terminal.

        Where nobody reads any more, as after `| head`, the work goes on without words.
        """
        try:
            if self._bar is not None and sys.stdout.isatty():
                self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
            elif sys.stdout is not None and not self._unread:
                print(text, flush=True)
        except OSError:
            self._unread = True
            # The interpreter flushes standard output once more at its end; give it something that takes it.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
