"""`subpixel upscale --plan`: what would be done with a picture."""

from __future__ import annotations

import json
from pathlib import Path

from subpixel import image
from subpixel.cli.display import seconds_text
from subpixel.plan import Target
from subpixel.upscaler import Upscaler


def show_plan(
    upscaler: Upscaler, source: Path, target: Target, *, pixel_limit: int | None = None, as_json: bool = False
) -> None:
    """Print passes, tiles, engine, precision, expected memory and time for one picture, and run nothing.

    Raises:
        PictureError: the picture cannot be read.
        SettingError: the target cannot be reached.
    """
    picture = image.read(source) if pixel_limit is None else image.read(source, pixel_limit=pixel_limit)
    plan = upscaler.plan(picture.size, target)
    memory, seconds = upscaler.memory(plan, picture), upscaler.seconds(plan, picture)
    precision = upscaler.precision_for(picture.bits)
    if as_json:
        row = {
            "input": str(source),
            "from": [plan.source.width, plan.source.height],
            "size": [plan.target.width, plan.target.height],
            "passes": [
                {
                    "model": step.model.name,
                    "from": [step.source.width, step.source.height],
                    "size": [step.target.width, step.target.height],
                    "tiles": step.tiles.count,
                    "tile": [step.tiles.largest.width, step.tiles.largest.height],
                    "halo": step.model.halo,
                }
                for step in plan.passes
            ],
            "resample": plan.resample,
            "engine": upscaler.engine,
            "precision": precision,
            "threads": upscaler.threads,
            "memory_bytes": memory,
            "seconds": round(seconds, 4),
        }
        print(json.dumps(row))
        return
    colours = {1: "grey", 2: "grey + alpha", 3: "RGB", 4: "RGB + alpha"}[picture.channels]
    frames = f", {picture.frames} frames" if picture.frames > 1 else ""
    print(f"{source}  {plan.source} → {plan.target}, {colours}, {picture.bits} bits{frames}")
    for number, step in enumerate(plan.passes, 1):
        tiles = f"{step.tiles.count} tiles of {step.tiles.largest}" if step.tiles.count > 1 else "1 tile"
        print(f"  pass {number}    {step.model.name}  {step.source} → {step.target}, {tiles}, halo {step.model.halo}")
    if plan.resample:
        start = plan.passes[-1].target if plan.passes else plan.source
        print(f"  resample  antialiased bicubic  {start} → {plan.target}")
    print(f"  engine    {upscaler.engine}, {precision}, {upscaler.threads} threads")
    print(f"  memory    about {memory / 1e6:.0f} MB at the peak")
    print(f"  time      about {seconds_text(seconds)} in the networks")
