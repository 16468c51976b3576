"""What a fetch shows: a bar with speed and time left on a terminal, single lines elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import TransferSpeedColumn as SpeedColumn


class Bars:
    """Shows one stage at a time.

    Attributes:
        name: of the entry that is being fetched.
    """

    def __init__(self, console: Console, quiet: bool) -> None:
        self.name = ""
        self._console, self._quiet = console, quiet
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            SpeedColumn(),
            TimeRemainingColumn(compact=True),
            console=console,
            disable=quiet or not console.is_terminal,
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def stage(self, what: str) -> None:
        """A new stage begins."""
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(f"{self.name}: {what}", total=None)
        if not self._console.is_terminal:
            self.say(f"{self.name}: {what}")

    def progress(self, done: int, total: int | None) -> None:
        """Bytes of the stage that are done."""
        if self._task is not None:
            self._bar.update(self._task, completed=done, total=total)

    def note(self, text: str) -> None:
        """Shown even when quiet."""
        self._console.print(f"{self.name}: {text}", markup=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Shown unless quiet."""
        if not self._quiet:
            self._console.print(text, markup=False, soft_wrap=True)
