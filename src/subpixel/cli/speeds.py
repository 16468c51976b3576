"""`subpixel models --benchmark`: this computer's own times beside the shipped scores."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from functools import partial
from typing import Final

from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from subpixel import zoo
from subpixel.calibrating import Machine, processor
from subpixel.cli.display import print_table
from subpixel.engines import usable_cores
from subpixel.types import Precision
from subpixel.zoo import Card

PRECISIONS: Final[tuple[Precision, ...]] = ("fp32", "bf16", "int8")
_MOST_S: Final = 45.0  # what has no time by then is left out, and said

Times = dict[Precision, float]
"""Milliseconds per megapixel of the result."""


def show_speeds(models: Sequence[str], *, threads: int | None, as_json: bool) -> None:
    """Measure models in every arithmetic there is for them here, and print one table, or JSON.

    Args:
        models: names or paths.
        threads: tiles computed side by side; None for every core.
        as_json: print ``{"processor", "threads", "models": [{"model", "scale", "ms_per_megapixel", "scores", …}]}``.

    Raises:
        ModelError, EngineError: a model that cannot be used.
    """
    machine = Machine(threads or usable_cores())
    times = measure_all(models, machine, shown=not as_json and sys.stderr.isatty())
    if as_json:
        rows = [_record(zoo.card(model), times[model]) for model in models]
        print(json.dumps({"processor": processor(), "threads": machine.threads, "models": rows}, indent=2))
        return
    print_table(partial(_table, models, times))
    left = sum(not times[model] for model in models)
    cores = "1 thread" if machine.threads == 1 else f"{machine.threads} threads"
    print(f"Milliseconds per megapixel of the result, {processor() or 'this processor'}, {cores}; --quality best: × 8.")
    print("* fast, balanced or best: used when no model is named. PSNR (dB) and SSIM on luma, as they ship.")
    if left:
        late = f"{left} of {len(models)} models were left out after {_MOST_S:.0f} s"
        print(f"{late}: name one, as subpixel models --benchmark crisp")


def measure_all(models: Sequence[str], machine: Machine, *, shown: bool) -> dict[str, Times]:
    """Times of every model, the quick ones first; without any where the time for it all is over."""
    work = sorted(models, key=lambda model: zoo.card(model).work)
    steps = [(model, precision) for model in work for precision in machine.precisions(model)]
    times: dict[str, Times] = {model: {} for model in models}
    started = time.perf_counter()
    with Progress(console=Console(stderr=True), transient=True, disable=not shown) as bar:
        task = bar.add_task("", total=sum(zoo.card(model).work for model, _ in steps))
        for model, precision in steps:
            card = zoo.card(model)
            bar.update(task, description=f"{card.name} {precision}")
            if time.perf_counter() - started < _MOST_S:
                seconds = machine.measure(model, precision, again=True).seconds
                times[model][precision] = seconds * 1e9 / card.scale**2
            bar.update(task, advance=card.work)
    return times


def _defaults(card: Card) -> list[str]:
    """The qualities whose default it is, for clean or squeezed pictures."""
    return [
        quality
        for quality in zoo.QUALITIES
        if any(zoo.default_models(quality, restore=squeezed).get(card.scale) == card.name for squeezed in (False, True))
    ]


def _table(models: Sequence[str], times: dict[str, Times], between: str) -> Table:
    cards = {model: zoo.card(model) for model in models}
    slowest = float("inf")
    order = sorted(models, key=lambda model: (cards[model].scale, min(times[model].values(), default=slowest)))
    sets = sorted({name for card in cards.values() for name in card.scores}, key=lambda name: (len(name), name))
    used = [precision for precision in PRECISIONS if any(precision in row for row in times.values())]
    table = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("model", no_wrap=True, min_width=12)
    table.add_column("scale", no_wrap=True)
    for precision in used:
        table.add_column(f"{precision}\nms/MP", justify="right", no_wrap=True)
    for name in sets:
        table.add_column(f"{name}\nPSNR{between.replace(' ', '  ')}SSIM", justify="right", no_wrap=True)
    last = None
    for model in order:
        card = cards[model]
        if last not in (None, card.scale):
            table.add_section()
        last = card.scale
        chosen = "/".join(_defaults(card))
        scores = [card.scores.get(name) for name in sets]
        table.add_row(
            card.name + (f" *{chosen}" if chosen else ""),
            f"×{card.scale}",
            *(_number(times[model].get(precision)) for precision in used),
            *(f"{score.psnr:.2f}{between}{score.ssim:.4f}" if score else "" for score in scores),
        )
    return table


def _number(milliseconds: float | None) -> str:
    """``3.1``, ``31``, ``310``; a dash where there is none."""
    if milliseconds is None:
        return "–"
    return f"{milliseconds:.1f}" if milliseconds < 10 else f"{milliseconds:.0f}"


def _record(card: Card, times: Times) -> dict[str, object]:
    return {
        "model": card.name,
        "scale": card.scale,
        "parameters": card.parameters,
        "default_for": _defaults(card),
        "ms_per_megapixel": {precision: round(times[precision], 3) for precision in PRECISIONS if precision in times},
        "scores": {name: {"psnr": score.psnr, "ssim": score.ssim} for name, score in card.scores.items()},
        "float_scores": {name: {"psnr": score.psnr, "ssim": score.ssim} for name, score in card.float_scores.items()},
    }
