"""From a recipe's data section to batches."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from subpixel.errors import TrainingError
from subpixel_train.data.batches import Batches, Crops, Squares, Tiles, Wholes
from subpixel_train.data.device import DeviceCrops, fits
from subpixel_train.data.examples import Example, Geometry, Picture, enlarged_pair, make_example
from subpixel_train.data.memory import warn_of_memory
from subpixel_train.data.photographs import Photograph, check_pairs, read_all
from subpixel_train.data.pixels import centred, resized
from subpixel_train.data.settings import DataSettings
from subpixel_train.data.variation import Varied
from subpixel_train.networks import Network


def make_batches(
    photographs: Sequence[Photograph],
    settings: DataSettings,
    network: Network,
    *,
    seed: int,
    threads: int = 1,
    device: torch.device | None = None,
    quiet: bool = True,
) -> Batches:
    """Read the photographs and lay out the training that a recipe describes.

    Args:
        photographs: to train with.
        settings: the recipe's `data`.
        network: to be trained; it says what its input and its targets are.
        seed: everything random follows from it.
        threads: photographs read at a time.
        device: of the network. On an accelerator, clean crops are kept and cut in its memory where they fit; the
            batches are the same, bit for bit.
        quiet: show no bar while photographs are read; without it there is one on a terminal.
    """
    geometry, scales, pipeline = Geometry.of(network), network.scales, settings.pipeline()
    _check_crop(settings, network, geometry)
    check_pairs(photographs, network.scale)
    if settings.mode == "square":
        side = settings.crop * network.scale
        return Squares(
            photographs, geometry, scales=scales, side=side, size=settings.batch, seed=seed, pipeline=pipeline
        )

    warn_of_memory(photographs, settings.sizes)

    def load(photograph: Photograph) -> list[Example]:
        whole = settings.sizes == [1.0] and settings.mode != "centre" and pipeline is None
        if whole and (ready := photograph.read_made(scales)):
            picture = Picture(photograph.name, *ready)
            return [enlarged_pair(picture, geometry) if geometry.enlarged else picture]
        rgb, small = photograph.read(), photograph.read_small()
        if settings.vary:
            return [Varied(photograph.name, rgb, scales, settings.vary, geometry.enlarged, pipeline)]
        if settings.mode == "centre":
            rgb, small = centred(rgb, small, settings.crop, network.scale, network.align)
        return [
            make_example(photograph.name, resized(rgb, size), geometry, scales, small=small, pipeline=pipeline)
            for size in settings.sizes
        ]

    examples = [example for made in read_all(photographs, load, threads, quiet=quiet) for example in made]
    match settings.mode:
        case "crops":
            crops = Crops(
                examples,
                geometry,
                crop=settings.crop,
                size=settings.batch,
                epoch_steps=settings.epoch_steps,
                flat=settings.flat,
                seed=seed,
                threshold=settings.threshold,
            )
            if device and device.type != "cpu" and fits(crops, device):
                return DeviceCrops(crops, device)
            return crops
        case "tiles":
            return Tiles(examples, geometry, crop=settings.crop, stride=settings.stride, size=settings.batch, seed=seed)
        case "centre":
            return Wholes(examples, geometry, size=settings.batch, seed=seed)


def _check_crop(settings: DataSettings, network: Network, geometry: Geometry) -> None:
    """Refuse a crop whose size the network cannot take, or of which nothing would be left to learn."""
    if settings.crop % network.align and settings.mode != "centre":
        right = settings.crop // network.align * network.align
        raise TrainingError(
            f"data.crop is {settings.crop}", f"{network.name} needs a multiple of {network.align}, as {right}"
        )
    side = settings.crop // (network.scale if settings.mode == "centre" and network.input == "small" else 1)
    if side <= 2 * geometry.trim:
        raise TrainingError(
            f"data.crop is {settings.crop}",
            f"{network.name} trains without padding: {2 * geometry.trim} of {side} pixels are border; raise it",
        )
