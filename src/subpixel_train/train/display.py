"""What a person sees while a network trains: a bar on a terminal, one line per epoch everywhere."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from subpixel_train.recipe import Recipe
from subpixel_train.train.state import EpochRecord
from subpixel_train.train.state import Progress as Standing


class Display:
    """Progress bar with loss, held-out PSNR and time left."""

    def __init__(self, recipe: Recipe, steps: int, per_epoch: int, standing: Standing, *, quiet: bool) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]}  held-out {task.fields[psnr]}"),
            TimeRemainingColumn(compact=True),
            console=self._console,
            disable=quiet or not self._console.is_terminal,
            transient=True,
        )
        self._epochs, self._shown = -(-steps // per_epoch), 0.0
        last = next((r.held_out_psnr for r in reversed(standing.history) if r.held_out_psnr is not None), None)
        self._task = self._bar.add_task(
            recipe.name, total=steps, completed=standing.step, loss="–", psnr="–" if last is None else f"{last:.2f} dB"
        )

    def __enter__(self) -> Display:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def step(self, standing: Standing, loss: float) -> None:
        """Move the bar; ten times a second at most, drawing costs time."""
        now = time.monotonic()
        if now - self._shown > 0.1:
            self._bar.update(self._task, completed=standing.step, loss=f"{loss:.2e}")
            self._shown = now

    def epoch(self, record: EpochRecord) -> None:
        """One line for a finished epoch."""
        line = f"epoch {record.epoch}/{self._epochs}  loss {record.loss:.3e}  rate {record.rate:.1e}"
        if record.held_out_psnr is not None:
            line += "  held-out " + " / ".join(f"{value:.3f}" for value in record.held_out_each) + " dB"
            self._bar.update(self._task, psnr=f"{record.held_out_psnr:.2f} dB")
        if record.test_psnr is not None:
            line += f"  test {record.test_psnr:.3f} dB"
        self._console.print(f"{line}  {record.seconds / 60:.1f} min", highlight=False, soft_wrap=True)
