"""Training data: folders of photographs → pairs → batches."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from subpixel_train.data.batches import Batch, Batches, Crops, Squares, Tiles, Wholes
from subpixel_train.data.folders import DATA_VARIABLE, data_root, pictures, read_rgb
from subpixel_train.data.pairs import (
    Cut,
    Example,
    Geometry,
    Pair,
    Picture,
    benchmark_pairs,
    centre,
    held_out_pairs,
    make_example,
    make_picture,
    resized,
)
from subpixel_train.data.photographs import FilePhotograph, Photograph, training_photographs
from subpixel_train.data.prefetch import Prefetch
from subpixel_train.data.settings import DataSettings
from subpixel_train.networks import Network

__all__ = [
    "DATA_VARIABLE",
    "Batch",
    "Batches",
    "Crops",
    "Cut",
    "DataSettings",
    "Example",
    "FilePhotograph",
    "Geometry",
    "Pair",
    "Photograph",
    "Picture",
    "Prefetch",
    "Squares",
    "Tiles",
    "Wholes",
    "benchmark_pairs",
    "data_root",
    "held_out_pairs",
    "make_batches",
    "make_picture",
    "pictures",
    "read_rgb",
    "training_photographs",
]


def make_batches(
    photographs: Sequence[Photograph], settings: DataSettings, network: Network, *, seed: int, threads: int = 1
) -> Batches:
    """Read the photographs and lay out the training that a recipe describes.

    Args:
        photographs: to train with.
        settings: the recipe's `data`.
        network: to be trained; it says what its input and its targets are.
        seed: everything random follows from it.
        threads: photographs read at a time.
    """
    geometry, scales = Geometry.of(network), network.scales
    if settings.mode == "square":
        side = settings.crop * network.scale
        return Squares(photographs, geometry, scales=scales, side=side, size=settings.batch, seed=seed)

    def load(photograph: Photograph) -> list[Example]:
        rgb = photograph.read()
        if settings.mode == "centre":
            rgb = centre(rgb, settings.crop, network.scale)
        return [make_example(photograph.name, resized(rgb, size), geometry, scales) for size in settings.sizes]

    with ThreadPoolExecutor(threads) as pool:
        examples = [example for made in pool.map(load, photographs) for example in made]
    match settings.mode:
        case "crops":
            return Crops(
                examples,
                geometry,
                crop=settings.crop,
                size=settings.batch,
                epoch_steps=settings.epoch_steps,
                flat=settings.flat,
                seed=seed,
            )
        case "tiles":
            return Tiles(examples, geometry, crop=settings.crop, stride=settings.stride, size=settings.batch, seed=seed)
        case "centre":
            return Wholes(examples, geometry, size=settings.batch, seed=seed)
