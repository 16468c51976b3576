"""One run of the networks: a decoded picture and a plan in, everything that the plan gives out."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from subpixel.errors import SettingError
from subpixel.image.streaming import PictureStream
from subpixel.loading import Networks
from subpixel.pipeline import Frame, Held, Into, Receiver, Whole, enlarge_frame
from subpixel.plan import Plan
from subpixel.results import Chosen, Sent, Timings, Upscaled
from subpixel.tile import Clock
from subpixel.types import Picture, Pixels, Precision, Size, empty_pixels


def run_plan(
    picture: Picture | PictureStream,
    plan: Plan,
    networks: Networks,
    precision: Precision,
    *,
    pool: ThreadPoolExecutor,
    done: Callable[[int], None],
    chosen: Chosen,
    receiver: Receiver | None = None,
) -> tuple[Upscaled | Sent, ...]:
    """Compute the results of one plan, in the order of `Plan.targets`, frame by frame.

    Args:
        picture: the picture.
        plan: how.
        networks: where the plan's networks come from.
        precision: arithmetic.
        pool: computes tiles.
        done: told of finished tiles.
        chosen: why these networks.
        receiver: takes the rows of some results, of a picture of one frame; None: all are made whole.

    Raises:
        MemoryError: the results do not fit into memory.
        ModelError: a model's files are damaged.
        EngineError: the engine cannot run a network.
        OutputError: `receiver` cannot write what it got.
    """
    started = time.perf_counter()
    colour = picture.channels >= 3
    loaded = [
        networks.load(step.model.scales, precision, colour=colour, workers=step.workers, later=index > 0)
        for index, step in enumerate(plan.passes)
    ]
    ready = time.perf_counter()
    clock = Clock()
    held: dict[Size, Pixels] = {}
    into: dict[Size, Into] = {}
    for size in plan.targets:
        if receiver is not None and receiver.takes(size):
            into[size] = receiver.opened(size)
        else:
            held[size] = empty_pixels((picture.frames, size.height, size.width, picture.channels), picture.bits)
    frames: list[Frame]
    frames = [picture] if isinstance(picture, PictureStream) else [Held(pixels) for pixels in picture.pixels]
    for index, frame in enumerate(frames):
        enlarge_frame(
            frame,
            [Whole(held[size][index]) if size in held else into[size] for size in plan.targets],
            plan,
            loaded,
            alpha=picture.has_alpha,
            pool=pool,
            clock=clock,
            done=done,
        )
    ended = time.perf_counter()
    timings = Timings(load=ready - started, run=ended - ready, network=clock.network, other=clock.other)
    made: list[Upscaled | Sent] = []
    for size in plan.targets:
        times = Timings() if made else timings
        if size in held:
            # Without `coding`: what is made of a squeezed picture is not squeezed itself.
            whole = Picture(held[size], picture.metadata, picture.notes)
            made.append(Upscaled(whole, plan, precision, times, chosen))
        else:
            made.append(Sent(size, plan, precision, times, chosen))
    return tuple(made)


def too_large(plan: Plan, need: int, have: int | None = None, beside: int = 0) -> SettingError:
    """The error for results that need more memory than there is, in bytes; `beside`: what the decoder needs of it."""
    there = "more than there is" if have is None else f"{have / 1e9:.1f} GB are there"
    hint = "use a smaller factor, or a smaller --tile"
    if beside > need / 2:
        hint = "its file is progressive or interlaced, and decoded as a whole: save it without that first"
    return SettingError(f"{plan.target} needs about {need / 1e9:.1f} GB of memory, {there}", hint)
