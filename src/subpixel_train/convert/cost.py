"""What a network costs to run: multiply-adds counted while it runs, attention included; memory measured."""

from __future__ import annotations

import subprocess

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from subpixel.errors import TrainingError
from subpixel.types import NetworkFile
from subpixel_train.convert.opened import Opened
from subpixel_train.held import values_held


def count(opened: Opened) -> tuple[int, int]:
    """Multiply-adds, and values held at a time (input and output of one layer), both per input pixel."""
    side = max(opened.minimum, opened.align * max(1, 32 // opened.align))
    held = [0]

    def note(layer: nn.Module, given: tuple[object, ...], result: object) -> None:
        values = [value.numel() for value in (*given, result) if isinstance(value, Tensor)]
        held[0] = max(held[0], sum(values))

    leaves = [module for module in opened.network.modules() if not any(module.children())]
    hooks = [leaf.register_forward_hook(note) for leaf in leaves]
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            opened.network(torch.rand(1, opened.channels, side, side))
    finally:
        for hook in hooks:
            hook.remove()
    return counter.get_total_flops() // (2 * side * side), max(1, held[0] // (side * side))


def held(file: NetworkFile, counted: int) -> int:
    """Values that OpenVINO holds per input pixel while it runs the graph; `counted` where that cannot be measured."""
    try:
        measured = values_held(
            file.onnx, channels=file.channels, scales=file.scales, align=file.align, guess=counted, name=file.name
        )
    except (TrainingError, subprocess.TimeoutExpired):
        return counted
    return max(counted, measured)
