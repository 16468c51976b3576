"""What a network costs to run, counted while it runs: any network, attention included."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from subpixel_train.convert.opened import Opened


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
