"""Scores as tables for people and as records for programs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.table import Table

from subpixel.measure.evaluation import SetScore
from subpixel.measure.sets import BENCHMARKS

_FOLD: Final = 100  # decibels from which a score says nothing more than "equal"

Record = dict[str, str | int | float | None]
"""One row for programs; an infinite PSNR is None."""


def score_table(scores: Sequence[SetScore]) -> Table:
    """Means: one row per factor and method, PSNR and SSIM of every set side by side; the best of each is bold."""
    sets = list(dict.fromkeys(score.set_name for score in scores))
    table = Table(title="PSNR (dB) and SSIM on Y", title_justify="left", title_style="", box=SIMPLE_HEAD)
    table.add_column("scale", justify="right")
    table.add_column("method")
    for name in sets:
        table.add_column(f"{name}\nPSNR", justify="right")
        table.add_column("\nSSIM", justify="right")
    table.add_column("seconds per\nmegapixel", justify="right")
    scales = sorted({score.scale for score in scores})
    for scale in scales:
        rows = [score for score in scores if score.scale == scale]
        for method in dict.fromkeys(score.method for score in rows):
            own = {score.set_name: score for score in rows if score.method == method}
            cells = [cell for name in sets for cell in _cells(own.get(name), rows)]
            area = math.fsum(p.megapixels for score in own.values() for p in score.pictures)
            time = math.fsum(p.seconds for score in own.values() for p in score.pictures)
            last = method == rows[-1].method and scale != scales[-1]
            table.add_row(f"×{scale}", method, *cells, f"{time / area:.3f}", end_section=last)
    return table


def picture_table(scores: Sequence[SetScore]) -> Table:
    """Every picture: one row per picture, PSNR and SSIM of every method side by side."""
    methods = list(dict.fromkeys(score.method for score in scores))
    table = Table(title="Every picture", title_justify="left", title_style="", box=SIMPLE_HEAD)
    for heading in ("set", "scale", "picture"):
        table.add_column(heading, justify="right" if heading == "scale" else "left")
    for name in methods:
        table.add_column(f"{name}\nPSNR", justify="right")
        table.add_column("\nSSIM", justify="right")
    groups: dict[tuple[str, int], dict[str, SetScore]] = {}
    for score in scores:
        groups.setdefault((score.set_name, score.scale), {})[score.method] = score
    for (set_name, scale), by_method in groups.items():
        first = next(iter(by_method.values()))
        for index, picture in enumerate(first.pictures):
            cells: list[str] = []
            for name in methods:
                own = by_method.get(name)
                one = None if own is None else own.pictures[index]
                cells += ["", ""] if one is None else [_decibels(one.psnr), f"{one.ssim:.4f}"]
            table.add_row(set_name, f"×{scale}", picture.picture, *cells)
        table.add_section()
    return table


def records(scores: Sequence[SetScore], *, pictures: bool = False) -> Iterator[Record]:
    """Rows for programs: one per set and method, or one per picture."""
    published = {benchmark.name: benchmark.bicubic for benchmark in BENCHMARKS}
    for score in scores:
        head: Record = {"set": score.set_name, "scale": score.scale, "method": score.method}
        if pictures:
            for one in score.pictures:
                yield head | {
                    "picture": one.picture,
                    "psnr": _finite(one.psnr),
                    "ssim": one.ssim,
                    "seconds": one.seconds,
                    "megapixels": one.megapixels,
                }
            continue
        mean = head | {
            "pictures": len(score.pictures),
            "psnr": _finite(score.psnr),
            "ssim": score.ssim,
            "seconds_per_megapixel": score.seconds_per_megapixel,
        }
        if score.method == "bicubic" and score.scale in published.get(score.set_name, {}):
            mean["published_psnr"] = published[score.set_name][score.scale]
        yield mean


def _cells(score: SetScore | None, rows: Sequence[SetScore]) -> tuple[str, str]:
    """PSNR and SSIM of one set, bold where no other method does better."""
    if score is None:
        return "", ""
    rivals = [other for other in rows if other.set_name == score.set_name]
    psnr, ssim = _decibels(score.psnr), f"{score.ssim:.4f}"
    if len(rivals) > 1 and score.psnr >= max(other.psnr for other in rivals):
        psnr = f"[bold]{psnr}[/bold]"
    if len(rivals) > 1 and score.ssim >= max(other.ssim for other in rivals):
        ssim = f"[bold]{ssim}[/bold]"
    return psnr, ssim


def _decibels(value: float) -> str:
    return "equal" if value > _FOLD else f"{value:.2f}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
