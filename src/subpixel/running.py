"""One run of the networks: a decoded picture and a plan in, everything that the plan gives out."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from subpixel.errors import SettingError
from subpixel.loading import Networks
from subpixel.pipeline import enlarge_frame
from subpixel.plan import Plan
from subpixel.results import Chosen, Timings, Upscaled
from subpixel.tile import Clock
from subpixel.types import Picture, Pixels, Precision


def run_plan(
    picture: Picture,
    plan: Plan,
    networks: Networks,
    precision: Precision,
    *,
    pool: ThreadPoolExecutor,
    done: Callable[[int], None],
    chosen: Chosen,
) -> tuple[Upscaled, ...]:
    """Compute the results of one plan, in the order of `Plan.targets`, frame by frame.

    Args:
        picture: the picture.
        plan: how.
        networks: where the plan's networks come from.
        precision: arithmetic.
        pool: computes tiles.
        done: told of finished tiles.
        chosen: why these networks.

    Raises:
        MemoryError: the results do not fit into memory.
        ModelError: a model's files are damaged.
        EngineError: the engine cannot run a network.
    """
    started = time.perf_counter()
    colour = picture.channels >= 3
    loaded = [
        networks.load(step.model.scales, precision, colour=colour, workers=step.workers, later=index > 0)
        for index, step in enumerate(plan.passes)
    ]
    ready = time.perf_counter()
    clock = Clock()
    results: list[Pixels] = [
        np.empty((picture.frames, size.height, size.width, picture.channels), picture.pixels.dtype)
        for size in plan.targets
    ]
    for index in range(picture.frames):
        enlarge_frame(
            picture.pixels[index],
            [result[index] for result in results],
            plan,
            loaded,
            alpha=picture.has_alpha,
            pool=pool,
            clock=clock,
            done=done,
        )
    ended = time.perf_counter()
    timings = Timings(load=ready - started, run=ended - ready, network=clock.network, other=clock.other)
    bare = replace(picture, coding=None)  # what is made of a squeezed picture is not squeezed itself
    return tuple(
        Upscaled(bare.with_pixels(result), plan, precision, Timings() if index else timings, chosen)
        for index, result in enumerate(results)
    )


def too_large(plan: Plan, need: int, have: int | None = None) -> SettingError:
    """The error for results that need more memory than there is, in bytes."""
    there = "more than there is" if have is None else f"{have / 1e9:.1f} GB are there"
    return SettingError(
        f"{plan.target} needs about {need / 1e9:.1f} GB of memory, {there}", "use a smaller factor, or a smaller --tile"
    )
