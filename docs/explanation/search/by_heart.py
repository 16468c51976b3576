"""How much of a network's lead is learned by heart: `python docs/explanation/search/by_heart.py RECIPE DATA NETWORK…`.

RECIPE says what was trained with and what was held out, DATA is the folder that its folders are relative to, and every
NETWORK is the name of a model of the package or the folder of a training at the same scale. Prints for each folder of
photographs by how many dB of PSNR each network is ahead of the first, for photographs that were trained with and for
those that were held out: a lead that holds for both is what has been learned of all photographs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from subpixel.engines import EngineSettings, load_engine
from subpixel.zoo import load_model, model_names
from subpixel_train.data import Geometry, held_out_pairs, training_photographs
from subpixel_train.data.photographs import FilePhotograph
from subpixel_train.networks import Network, build
from subpixel_train.recipe import load
from subpixel_train.train.quality import psnr
from subpixel_train.train.state import load_weights

Plane = NDArray[np.float32]
AT_MOST = 50
"""Photographs of a folder that are looked at."""


def network(name: str) -> Callable[[Plane], Plane]:
    """What enlarges luma, (1, h, w) in 0–1, to 8-bit levels in 0–1."""
    if name in model_names():
        model = load_model(name)
        run = load_engine("openvino").load(model.network, EngineSettings(precision="fp32"))
        halo, scale = model.card.halo, model.card.scale

        def model_of_package(luma: Plane) -> Plane:
            around = np.pad(luma[None], ((0, 0), (0, 0), (halo, halo), (halo, halo)), "edge")
            cut = slice(scale * halo, -scale * halo)
            return run(around)[0][0, :, cut, cut]

        return model_of_package
    recipe = load(f"{name}/recipe.yaml")
    trained = build(recipe.network, recipe.scale)
    trained.load_state_dict(load_weights(Path(name))[0])
    trained.eval()

    def training(luma: Plane) -> Plane:
        with torch.inference_mode():
            return trained.upscale(torch.from_numpy(luma)[None])[0][0].numpy()

    return training


def photographs(recipe: str, data: Path) -> Iterator[tuple[str, str, list[FilePhotograph]]]:
    """(folder, "trained with" or "held out", photographs)."""
    for part, those in zip(("trained with", "held out"), training_photographs(data, load(recipe).data), strict=True):
        files = [photograph for photograph in those if isinstance(photograph, FilePhotograph)]
        for folder, group in groupby(files, lambda photograph: photograph.path.parent.name):
            every = list(group)
            yield folder, part, every[:: -(-len(every) // AT_MOST)]


def scores(shape: Network, recipe: str, those: list[FilePhotograph], enlarge: Callable[[Plane], Plane]) -> list[float]:
    """PSNR of each photograph's middle."""
    values = []
    for pair in held_out_pairs(those, shape, load(recipe).data):
        cut = pair.whole(Geometry(shape.scales, 0, shape.channels))
        levels = np.rint(np.clip(enlarge(cut.input), 0, 1) * 255) / 255
        values.append(psnr(levels.astype(np.float32), cut.targets[-1], shape.scale))
    return values


def main() -> None:
    """Print a line for each folder and part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe")
    parser.add_argument("data", type=Path)
    parser.add_argument("networks", nargs="+", metavar="NETWORK")
    options = parser.parse_args()
    recipe = load(options.recipe)
    shape = build(recipe.network, recipe.scale)
    enlargers = [network(name) for name in options.networks]
    print(
        f"folder, photographs, {options.networks[0]}, then by how much ahead of it: {', '.join(options.networks[1:])}"
    )
    for folder, part, those in sorted(photographs(options.recipe, options.data), key=lambda one: one[:2]):
        first, *others = (np.array(scores(shape, options.recipe, those, one)) for one in enlargers)
        leads = [f"{np.mean(other - first):+.3f} ± {np.std(other - first) / len(those) ** 0.5:.3f}" for other in others]
        print(f"{folder}, {part}, {len(those)}: {np.mean(first):.3f}  {'  '.join(leads)}", flush=True)


if __name__ == "__main__":
    main()
