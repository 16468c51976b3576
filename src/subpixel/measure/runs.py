"""A whole run of `subpixel evaluate`: which sets, which factors, which methods, with a progress bar."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from subpixel import zoo
from subpixel.engines import DEFAULT_ENGINE
from subpixel.errors import SettingError
from subpixel.measure.evaluation import Enlarger, SetScore, evaluate
from subpixel.measure.methods import BICUBIC, bicubic, model, models_of_scale
from subpixel.measure.sets import PictureSet, available, benchmark_set, data_folder, folder_set
from subpixel.types import PrecisionChoice

USUAL_SCALES: Final = (2, 3, 4)
"""Factors measured where none is given."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to measure.

    Attributes:
        models: names or paths; empty for all that ship. Bicubic is always measured too.
        sets: benchmark sets; empty for all in the data folder.
        scales: factors; empty for those of the models given, or 2, 3 and 4.
        data: the data folder; None for the one that ``SUBPIXEL_DATA`` names.
        reference: folder of references, in place of benchmark sets.
        small: folder of their small pictures; None where they are made by antialiased bicubic.
        border: pixels cut before scoring; None for the factor.
        engine: engine's name.
        precision: arithmetic.
        threads: tiles computed side by side; None for every core.
        eightfold: measure the mean over all flips and transpositions of what each network sees.
    """

    models: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    scales: tuple[int, ...] = ()
    data: Path | None = None
    reference: Path | None = None
    small: Path | None = None
    border: int | None = None
    engine: str = DEFAULT_ENGINE
    precision: PrecisionChoice = "fp32"
    threads: int | None = None
    eightfold: bool = False


def measure(request: Request, *, console: Console | None = None) -> tuple[SetScore, ...]:
    """Run every method on every set at every factor.

    Args:
        request: what to measure.
        console: where the progress bar is drawn (only on a terminal); None for none.

    Returns:
        Scores, by factor, then set, then method.

    Raises:
        SubpixelError: a set, picture or model that cannot be used.
    """
    scales = request.scales or _scales_of(request.models)
    wanted = [(scale, found) for scale in scales for found in _sets(request, scale)]
    methods = {scale: _methods(request, scale) for scale in dict.fromkeys(scales)}
    total = sum(len(found.pairs) * len(methods[scale]) for scale, found in wanted)
    scores: list[SetScore] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    shown = console is not None and console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=not shown) as progress:
        task = progress.add_task("", total=total)
        for scale, found in wanted:
            progress.update(task, description=f"{found.name} ×{scale}")
            scores += evaluate(methods[scale], found, border=request.border, notify=lambda _: progress.advance(task))
    return tuple(scores)


def _scales_of(models: tuple[str, ...]) -> tuple[int, ...]:
    """Factors of the models named, or the usual ones."""
    found = sorted({scale for name in models for scale in zoo.candidates(name)})
    return tuple(found) or USUAL_SCALES


def _sets(request: Request, scale: int) -> list[PictureSet]:
    if request.reference is not None:
        return [folder_set(request.reference, request.small, scale)]
    data = data_folder(request.data)
    return [benchmark_set(data, name, scale) for name in request.sets or available(data)]


def _methods(request: Request, scale: int) -> dict[str, Enlarger]:
    """Bicubic, and the models asked for that enlarge by `scale`."""
    methods: dict[str, Enlarger] = {BICUBIC: bicubic(scale)}
    for asked in request.models or models_of_scale(scale):
        own = zoo.candidates(asked)
        if scale not in own:
            if not request.scales:  # several models of different factors were named: each at its own
                continue
            raise SettingError(
                f"{asked} enlarges by {', '.join(map(str, own))}, not by {scale}", "give its own factor as --scale"
            )
        card = zoo.card(own[scale])
        folded = request.eightfold and not card.symmetric
        methods[f"{card.name}, eight-fold" if folded else card.name] = model(
            own[scale],
            scale,
            engine=request.engine,
            precision=request.precision,
            threads=request.threads,
            eightfold=request.eightfold,
        )
    return methods
