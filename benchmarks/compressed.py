"""How models cope with compressed pictures: small benchmark pictures squeezed in several ways, then enlarged.

    python benchmarks/compressed.py --data DATA
    python benchmarks/compressed.py --sheets

The first measures every family of the house three ways: the clean models, those that restore, and what is chosen
automatically, beside bicubic and ESPCN. The second draws crops of examples/scene.png for a look at flat areas, letters
and edges. See README.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np
from numpy.typing import NDArray
from report import RESULTS, command_line, machine_class, run_command, table, versions, write_section
from squeezing import WAYS, Squeeze
from systems import FAMILIES, SCALES

from subpixel import Upscaler, zoo
from subpixel.errors import SettingError
from subpixel.image.colour import rgb_to_ycbcr
from subpixel.measure import benchmark_set, psnr, read_pixels

SETS = ("Set5", "Set14", "BSD100")
GAIN, LOSS = 0.3, 0.1  # promised: restoring gains so many dB where it should; choosing loses at most so many on clean
OTHERS = ("bicubic", "espcn", "rdn-noise-cancel")
Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Method:
    """A row of the table: which model is run, None for the automatic choice within the family."""

    family: str
    how: str
    model: str


@dataclass(frozen=True, slots=True)
class Row:
    """PSNR of a method at one factor, one value for each of `WAYS`: on luma, and on both colour planes together.

    For colour, of pictures that have some: a level here or there in a grey one would outweigh all others.
    """

    method: Method
    scale: int
    decibels: tuple[float, ...]
    colours: tuple[float, ...]


def methods(scale: int) -> Iterator[Method]:
    """What can be measured at a factor with the models that are there."""
    there = set(zoo.model_names())
    for family in OTHERS:
        if f"{family}-x{scale}" in there:
            yield Method(family, "", f"{family}-x{scale}")
    for family in FAMILIES:
        clean, restoring = f"{family}-x{scale}", f"{family}-restore-x{scale}"
        if clean in there:
            yield Method(family, "clean", clean)
        if restoring in there:
            yield Method(family, "restore", restoring)
        if clean in there and restoring in there:
            yield Method(family, "auto", family)


def measure(method: Method, scale: int, pairs: Sequence[tuple[Picture, Picture]], threads: int) -> Row:
    """PSNR of one method, mean over pictures, for every way of squeezing."""
    auto = method.how == "auto"  # as where nobody names a model
    quality = next((quality for quality, rows in zoo.line.FAMILIES.items() if rows[0] == method.family), "balanced")
    with Upscaler(None if auto else method.model, quality=quality, eightfold=False, threads=threads) as upscaler:

        def one(way: Squeeze, large: Picture, small: Picture) -> tuple[float, float]:
            result = upscaler.upscale(way.file(small), scale=scale).pixels[0].astype(np.uint8, copy=False)
            return psnr(large, result, border=scale), colour_psnr(large, result, scale)

        found = [[one(way, large, small) for large, small in pairs] for way in WAYS]
        coloured = [not np.array_equal(large, large[..., :1].repeat(3, 2)) for large, _ in pairs]
        decibels = tuple(mean(luma for luma, _ in row) for row in found)
        colours = tuple(mean(colour for (_, colour), some in zip(row, coloured, strict=True) if some) for row in found)
        return Row(method, scale, decibels, colours)


def colour_psnr(reference: Picture, result: Picture, border: int) -> float:
    """PSNR in dB over Cb and Cr of BT.601 together, 8-bit levels, without `border` pixels on every side."""
    inside = slice(border, -border)
    planes = [
        rgb_to_ycbcr(picture[inside, inside].transpose(2, 0, 1).astype(np.float32) / 255)[1:]
        for picture in (reference, result)
    ]
    return float(-10 * np.log10(np.square(planes[0] - planes[1], dtype=np.float64).mean()))


def pictures(data: Path, sets: Sequence[str], scale: int) -> list[tuple[Picture, Picture]]:
    """References and small pictures of the sets, those with colour."""
    pairs = []
    for name in sets:
        for pair in benchmark_set(data, name, scale).pairs:
            if pair.small is not None:
                large, small = read_pixels(pair.reference), np.ascontiguousarray(read_pixels(pair.small))
                if small.shape[2] == 3:
                    pairs.append((large[: small.shape[0] * scale, : small.shape[1] * scale], small))
    return pairs


def promises(rows: Sequence[Row]) -> list[str]:
    """Whether restoring helps as promised, one line for each family and factor."""
    found = {(row.method.family, row.method.how, row.scale): row.decibels for row in rows}
    made = []
    for (family, how, scale), clean in found.items():
        if how != "clean":
            continue
        if restored := found.get((family, "restore", scale)):
            gains = [own - other for way, own, other in zip(WAYS, restored, clean, strict=True) if way.helped]
            verdict = "kept" if min(gains) >= GAIN else "BROKEN"
            made.append(f"{family} ×{scale}, restore at quality 30–70: at least {min(gains):+.2f} dB ({verdict})")
        if chosen := found.get((family, "auto", scale)):
            verdict = "kept" if chosen[-1] - clean[-1] >= -LOSS else "BROKEN"
            made.append(
                f"{family} ×{scale}, auto on what is not compressed: {chosen[-1] - clean[-1]:+.2f} dB ({verdict})"
            )
    return made


def section(rows: Sequence[Row], sets: Sequence[str], count: int, threads: int) -> str:
    """Tables and promises."""
    parts = [
        f"Command: `{command_line(hide=['--data'])}`",
        f"Machine: {machine_class(threads)}. {versions('subpixel', 'openvino', 'pyvips')}.",
        f"PSNR on Y in dB, mean of the {count} colour pictures of {', '.join(sets)}, their small pictures squeezed "
        "first: JPEG with chroma halved (4:2:0), WebP, and JPEG twice with the grid of blocks moved in between. "
        "*auto*: clean or restore, chosen for each file.",
    ]
    for scale in dict.fromkeys(row.scale for row in rows):
        cells = []
        for row in (row for row in rows if row.scale == scale):
            cells.append([f"`{row.method.family}`", row.method.how, *(f"{value:.2f}" for value in row.decibels)])
        parts.append(table([f"×{scale}", "", *(way.name for way in WAYS)], cells, text_columns=2))
    parts.append("PSNR in dB of the colour planes, Cb and Cr together, without pictures that are grey:")
    for scale in dict.fromkeys(row.scale for row in rows):
        cells = [
            [f"`{row.method.family}`", row.method.how, *(f"{value:.2f}" for value in row.colours)]
            for row in rows
            if row.scale == scale and row.method.family in ("bicubic", *FAMILIES)
        ]
        parts.append(table([f"×{scale}", "", *(way.name for way in WAYS)], cells, text_columns=2))
    kept = promises(rows)
    if kept:
        parts.append("\n".join(f"- {one}" for one in kept))
    return "\n\n".join(parts)


def main() -> None:
    """Measure and write the section, or draw the sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with benchmark/")
    parser.add_argument("--sets", nargs="+", default=SETS, metavar="NAME", help="benchmark sets (default all three)")
    parser.add_argument("--scales", nargs="+", type=int, choices=SCALES, default=SCALES, help="factors (default all)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the table goes (default results.md)")
    parser.add_argument("--sheets", action="store_true", help="draw docs/images/squeezed-*.png")
    parser.add_argument("--family", default="crisp", help="whose crops --sheets shows (default crisp)")
    options = parser.parse_args()
    if options.sheets:
        from crops import draw

        for path in draw(options.family):
            print(path)
        return
    if options.data is None:
        raise SettingError("--data is needed to measure", "give the folder with benchmark/, or --sheets")
    rows = []
    count = 0
    for scale in options.scales:
        pairs = pictures(options.data, options.sets, scale)
        count = len(pairs)
        for method in methods(scale):
            print(f"×{scale}: {method.family} {method.how}", file=sys.stderr, flush=True)
            rows.append(measure(method, scale, pairs, options.threads))
    body = section(rows, options.sets, count, options.threads)
    write_section("Compressed pictures", body, options.results)
    print(body)


if __name__ == "__main__":
    run_command(main)
