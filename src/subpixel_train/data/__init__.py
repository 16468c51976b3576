"""Training data: folders of photographs → pairs → batches."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from subpixel_train.data.batches import Batch, Batches, Crops, Geometry, Tiles, Wholes
from subpixel_train.data.folders import DATA_VARIABLE, data_root, pictures, read_rgb
from subpixel_train.data.pairs import (
    Pair,
    benchmark_pairs,
    centre,
    held_out_pairs,
    make_pair,
    resized,
    training_paths,
)
from subpixel_train.networks import Network
from subpixel_train.recipe import DataSettings

__all__ = [
    "DATA_VARIABLE",
    "Batch",
    "Batches",
    "Crops",
    "Geometry",
    "Pair",
    "Tiles",
    "Wholes",
    "benchmark_pairs",
    "data_root",
    "held_out_pairs",
    "make_batches",
    "make_pair",
    "pictures",
    "read_rgb",
    "training_paths",
]


def make_batches(
    paths: list[Path], settings: DataSettings, network: Network, *, seed: int, threads: int = 1
) -> Batches:
    """Read the photographs and lay out the training that a recipe describes.

    Args:
        paths: the photographs.
        settings: the recipe's `data`.
        network: to be trained; it says whether its input is the small picture or the enlarged one.
        seed: everything random follows from it.
        threads: photographs read at a time.
    """
    geometry = Geometry(network.step, network.reach)
    enlarged = network.input == "enlarged"

    def load(path: Path) -> list[Pair]:
        rgb = read_rgb(path)
        if settings.mode == "centre":
            rgb = centre(rgb, settings.crop, network.scale)
        return [
            make_pair(path.name, resized(rgb, factor), network.scale, enlarged=enlarged) for factor in settings.sizes
        ]

    with ThreadPoolExecutor(threads) as pool:
        pairs = [pair for made in pool.map(load, paths) for pair in made]
    match settings.mode:
        case "crops":
            return Crops(
                pairs,
                geometry,
                crop=settings.crop,
                size=settings.batch,
                epoch_steps=settings.epoch_steps,
                flat=settings.flat,
                seed=seed,
            )
        case "tiles":
            return Tiles(pairs, geometry, crop=settings.crop, stride=settings.stride, size=settings.batch, seed=seed)
        case "centre":
            return Wholes(pairs, geometry, size=settings.batch, seed=seed)
