"""Pictures to measure with: held-out photographs and the published test sets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from subpixel.errors import TrainingError
from subpixel_train.data.drawings import draw
from subpixel_train.data.examples import Example, Geometry, Picture, make_picture
from subpixel_train.data.folders import pictures, read_rgb
from subpixel_train.data.photographs import Photograph, check_pairs, read_all
from subpixel_train.data.pixels import centred, cut_to_multiple, levels, planes, reductions, squashed
from subpixel_train.data.settings import DataSettings
from subpixel_train.networks import Network

HELD_OUT_SIDE: Final = 320
"""Side in pixels that held-out photographs are cut to, to keep validation quick."""
UNSEEN: Final = 1_000_000
"""Number of the first drawing that is not for training."""


def held_out_pairs(
    photographs: Sequence[Photograph], network: Network, settings: DataSettings, limit: int = HELD_OUT_SIDE
) -> list[Picture]:
    """Small pictures and targets of the held-out photographs.

    Each is cut to its central `limit` pixels to keep this quick; in mode square each is squashed as in training. Where
    training pictures are degraded, these are too, each always in the same way.
    """
    scale, pipeline = network.scale, settings.pipeline()
    check_pairs(photographs, scale)
    keys = {id(photograph): (0, index) for index, photograph in enumerate(photographs)}

    def make(photograph: Photograph) -> Picture:
        rgb, small = photograph.read(), photograph.read_small()
        if settings.mode == "square":
            rgb = squashed(rgb, settings.crop * scale)
        else:
            rgb, small = centred(rgb, small, limit, scale)
        if pipeline:
            whole = planes(cut_to_multiple(rgb, scale))
            size = (whole.shape[1] // scale, whole.shape[2] // scale)
            small = levels(pipeline(whole, size, np.random.default_rng(keys[id(photograph)])))
        return make_picture(photograph.name, rgb, network.scales, small)

    return read_all(photographs, make) if photographs else []


def drawn_pairs(network: Network, count: int = 6) -> Iterator[Picture]:
    """Small pictures of drawings that no training has seen, and the drawings: edges as strong as edges can be."""
    for number in range(UNSEEN, UNSEEN + count):
        yield make_picture(f"drawing {number}", draw(number), network.scales)


def inputs(network: Network, pairs: Iterable[Example]) -> Iterator[Tensor]:
    """What a network is given of whole pictures, (1, C, h, w) each; the sides whole multiples of what it asks for."""
    geometry = Geometry(network.scales, 0, network.channels)
    for pair in pairs:
        height, width = (side // network.align * network.align for side in pair.shape)
        yield torch.from_numpy(pair.cut(geometry, 0, 0, height, width, ()).input)[None]


def benchmark_pairs(folder: Path, network: Network) -> Iterator[Picture]:
    """Published test pairs: `folder/HR/xR` and `folder/LR/xR` hold files of the same names.

    R is the network's largest scale. References of its smaller outputs are the HR picture reduced by the protocol: the
    published LR pictures of other factors belong to HR pictures cut to another size.
    """
    scale = network.scale
    for path in pictures(folder / "HR" / f"x{scale}"):
        small = next(iter(sorted((folder / "LR" / f"x{scale}").glob(f"{path.stem}.*"))), None)
        if small is None:
            raise TrainingError(f"{path} has no small picture beside it", f"put it in {folder / 'LR' / f'x{scale}'}")
        yield Picture(path.stem, read_rgb(small), reductions(read_rgb(path), network.scales))
