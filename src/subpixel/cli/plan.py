"""`subpixel upscale --plan`: what would be done with a picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from subpixel import image
from subpixel.cli.display import seconds_text
from subpixel.plan import Pass, Plan, Target
from subpixel.results import Chosen
from subpixel.types import Picture, Size
from subpixel.upscaler import Upscaler


def show_plan(
    upscaler: Upscaler,
    source: Path,
    targets: Sequence[Target],
    *,
    pixel_limit: int | None = None,
    as_json: bool = False,
    within: dict[str, object] | None = None,
) -> None:
    """Print passes, tiles, engine, precision, expected memory and time of every run for one picture, and run nothing.

    As JSON with `within` in it: what was chosen for a time.

    Raises:
        PictureError: the picture cannot be read.
        SettingError: a target cannot be reached.
    """
    limit = image.DEFAULT_PIXEL_LIMIT if pixel_limit is None else pixel_limit
    picture = image.open_picture(source, pixel_limit=limit)
    with picture if isinstance(picture, image.PictureStream) else nullcontext():
        choice = upscaler.choose(picture)
    for plan in upscaler.plans(picture.size, targets, choice.networks):
        chosen = choice.chosen.by(plan)
        if as_json:
            print(json.dumps({**_record(upscaler, source, picture, plan, chosen), "within": within}))
        else:
            _show(upscaler, source, picture, plan, chosen)


def _memory(upscaler: Upscaler, picture: Picture | image.PictureStream, plan: Plan) -> int:
    """Bytes; of what is read in strips, for a result that is written so too."""
    return upscaler.memory(plan, picture, held=isinstance(picture, Picture))


def _record(
    upscaler: Upscaler, source: Path, picture: Picture | image.PictureStream, plan: Plan, chosen: Chosen
) -> dict[str, object]:
    """One run for programs."""
    return {
        "input": str(source),
        "from": _sides(plan.source),
        "size": _sides(plan.target),
        "sizes": [_sides(size) for size in plan.targets],
        "passes": [
            {
                "model": step.model.name,
                "from": _sides(step.source),
                "size": _sides(step.target),
                "tiles": step.tiles.count,
                "tile": _sides(step.tiles.largest),
                "tiles_at_a_time": step.workers,
                "halo": step.model.margin,
                "overhead": round(step.overhead, 4),
            }
            for step in plan.passes
        ],
        "resample": plan.resample,
        "restore": chosen.restore,
        "eightfold": chosen.eightfold,
        "reason": chosen.reason,
        "engine": upscaler.engine,
        "precision": upscaler.precision_for(picture.bits),
        "threads": upscaler.threads,
        "memory_bytes": _memory(upscaler, picture, plan),
        "seconds": round(upscaler.seconds(plan, picture), 4),
    }


def _sides(size: Size) -> list[int]:
    return [size.width, size.height]


def _show(upscaler: Upscaler, source: Path, picture: Picture | image.PictureStream, plan: Plan, chosen: Chosen) -> None:
    """One run for people."""
    colours = {1: "grey", 2: "grey + alpha", 3: "RGB", 4: "RGB + alpha"}[picture.channels]
    fold = ", eight-fold" if chosen.eightfold else ""
    frames = f", {picture.frames} frames" if picture.frames > 1 else ""
    sizes = " and ".join(str(size) for size in plan.targets)
    print(f"{source}  {plan.source} → {sizes}, {colours}, {picture.bits} bits{frames}")
    if chosen.reason:
        print(f"  choice    {chosen.reason}: {'restored' if chosen.restore else 'kept as it is'}")
    for number, step in enumerate(plan.passes, 1):
        made = " and ".join(str(step.source.times(scale)) for scale in step.model.scales)
        print(f"  pass {number}    {step.model.name}  {step.source} → {made}, {_tiles(step, upscaler.threads)}{fold}")
    if plan.resample:
        start = plan.passes[-1].target if plan.passes else plan.source
        print(f"  resample  antialiased bicubic  {start} → {plan.target}")
    print(f"  engine    {upscaler.engine}, {upscaler.precision_for(picture.bits)}, {upscaler.threads} threads")
    print(f"  memory    about {_memory(upscaler, picture, plan) / 1e6:.0f} MB at the peak")
    print(f"  time      about {seconds_text(upscaler.seconds(plan, picture))} in the networks")


def _tiles(step: Pass, threads: int) -> str:
    """``12 tiles of 250×256, halo 5 (8% more work)``."""
    tiles = f"{step.tiles.count} tiles of {step.tiles.largest}" if step.tiles.count > 1 else "1 tile"
    if step.workers < min(threads, step.tiles.count):
        tiles += f", {step.workers} at a time"
    return f"{tiles}, halo {step.model.margin} ({step.overhead - 1:.0%} more work)"
