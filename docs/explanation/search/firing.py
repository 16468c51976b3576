"""How many channels of a trained plain network ever fire: `python docs/explanation/search/firing.py DATA RUN…`.

DATA is the folder that recipes' folders are relative to, RUN the folder of a training. Prints for each training how
many of its channels with a ReLU are above zero for fewer than one in ten thousand pixels of the photographs that it
held out, in all and layer by layer.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from subpixel_train.data import held_out_pairs, training_photographs
from subpixel_train.networks import build
from subpixel_train.networks.plain import Plain, PlainSettings
from subpixel_train.recipe import load
from subpixel_train.train.quality import mean_psnr
from subpixel_train.train.state import load_weights

SELDOM = 1e-4


def dead(run: Path, data: Path) -> list[tuple[int, int]]:
    """(channels that hardly ever fire, channels) of each layer with a ReLU."""
    recipe = load(str(run / "recipe.yaml"))
    assert isinstance(recipe.network, PlainSettings), f"{run} holds no plain network"
    network = build(recipe.network, recipe.scale)
    assert isinstance(network, Plain)
    network.load_state_dict(load_weights(run)[0])
    network.eval()
    linear, width = recipe.network.linear, recipe.network.width - recipe.network.linear
    fired, pixels = [torch.zeros(width) for _ in network.activations], [0] * len(network.activations)

    def note(index: int, y: torch.Tensor) -> None:
        fired[index] += (y[:, linear:] > 0).float().sum((0, 2, 3))
        pixels[index] += y.shape[-1] * y.shape[-2]

    for index, layer in enumerate(network.activations):
        layer.register_forward_hook(lambda _, __, y, index=index: note(index, y))
    mean_psnr(network, held_out_pairs(training_photographs(data, recipe.data)[1], network, recipe.data))
    return [(int((count < SELDOM * many).sum()), width) for count, many in zip(fired, pixels, strict=True)]


def main() -> None:
    """Print a line for each training."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for run in options.runs:
        layers = dead(run, options.data)
        share = sum(layer[0] for layer in layers) / sum(layer[1] for layer in layers)
        print(
            f"{run.name}: {share:.0%} of {sum(layer[1] for layer in layers)} channels; {[layer[0] for layer in layers]}"
        )


if __name__ == "__main__":
    main()
