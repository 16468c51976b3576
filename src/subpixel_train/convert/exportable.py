"""Networks as spandrel builds them, changed so that PyTorch's exporter can follow them: the same function.

The changes are those without which no graph with free sizes comes out. They are found by what a module has (the method
that makes its mask, its one-kernel form), not by its class, so that they hold for all the networks that share the code.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

_MASKED = -100.0  # what attention adds between pixels of different regions, as in Swin Transformer


def prepare(network: nn.Module) -> None:
    """Change `network` in place, for sizes that are multiples of its windows. It computes what it computed."""
    network.eval()
    for module in network.modules():
        for name, child in module.named_children():
            fused = _fused(child)
            if fused is not None:
                setattr(module, name, fused)
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    for module in network.modules():
        if hasattr(module, "calculate_mask"):
            object.__setattr__(module, "calculate_mask", _mask_of(module))
            # These branch on "is this the size of the training?", to use a stored mask: one path, free of sizes.
            for size in ("input_resolution", "patches_resolution"):
                if hasattr(module, size):
                    object.__setattr__(module, size, -1)
    if hasattr(network, "check_image_size"):  # it pads to whole windows, which sizes here already are
        object.__setattr__(network, "check_image_size", _as_it_is)


@contextlib.contextmanager
def any_batch(network: nn.Module) -> Iterator[None]:
    """While it lasts, the functions that put windows together again leave the size of the batch free.

    They compute it as `int(windows / (height · width / window²))`, a number that the exporter would freeze.
    """
    written_in = {sys.modules[type(module).__module__] for module in network.modules()}
    replaced = []
    for place in written_in:
        for name, function in (("window_reverse", join_windows), ("windows2img", _join_pairs)):
            if hasattr(place, name):
                replaced.append((place, name, getattr(place, name)))
                setattr(place, name, function)
    try:
        yield
    finally:
        for place, name, function in replaced:
            setattr(place, name, function)


def join_windows(windows: Tensor, window: int | Sequence[int], height: Any, width: Any = None) -> Tensor:
    """Windows (N · windows, a, b, C) put together to (N, H, W, C); in place of H and W there may be a pair of them."""
    a, b = (window, window) if isinstance(window, int) else window
    height, width = height if width is None else (height, width)
    return _join_pairs(windows, a, b, height, width)


def _join_pairs(windows: Tensor, a: int, b: int, height: int, width: int) -> Tensor:
    channels = windows.shape[-1]
    x = windows.view(-1, height // a, width // b, a, b, channels)
    return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, height, width, channels)


def _as_it_is(x: Tensor, *_: object) -> Tensor:
    return x


def shifted_mask(height: int, width: int, window: tuple[int, int], shift: tuple[int, int]) -> Tensor:
    """Which pixels of a window may see each other after the cyclic shift of Swin Transformer's attention.

    Liu et al., "Swin Transformer", ICCV 2021, figure 4. Written as arithmetic on indices: the usual code assigns to
    slices, whose bounds an exporter freezes.

    Returns:
        (windows, pixels, pixels), 0 or −100, rows of windows from top to bottom.
    """

    def regions(length: int, window: int, shift: int) -> Tensor:
        index = torch.arange(length)
        return (index >= length - window).float() + (index >= length - shift).float()

    rows = regions(height, window[0], shift[0]).view(-1, 1, window[0], 1)
    columns = regions(width, window[1], shift[1]).view(1, -1, 1, window[1])
    region = (rows * 3 + columns).reshape(-1, window[0] * window[1])  # (windows, pixels)
    apart = region.unsqueeze(1) != region.unsqueeze(2)
    return apart.float() * _MASKED


def _mask_of(module: nn.Module) -> Callable[..., Tensor | tuple[Tensor, Tensor]]:
    """The mask's function with the arguments that `module` calls it with."""
    if hasattr(module, "split_size"):  # two halves of the channels, windows a×b and b×a: DAT, RGT
        (a, b), (c, d) = _pair(module.split_size), _pair(module.shift_size)

        def both(height: int, width: int, dtype: torch.dtype | None = None) -> tuple[Tensor, Tensor]:
            return shifted_mask(height, width, (a, b), (c, d)), shifted_mask(height, width, (b, a), (d, c))

        return both
    window = int(module.window_size)  # type: ignore[arg-type]
    shift = int(getattr(module, "shift_size", window // 2))

    def square(size: tuple[int, int], dtype: torch.dtype | None = None) -> Tensor:
        return shifted_mask(size[0], size[1], (window, window), (shift, shift))

    return square


def _pair(value: Any) -> tuple[int, int]:
    return int(value[0]), int(value[1])


def _fused(module: nn.Module) -> nn.Module | None:
    """SPAN's convolution in its one-kernel form; other modules: None.

    It makes the one kernel from the trained ones at every run, which is work for each tile and no graph.
    """
    if not (hasattr(module, "update_params") and hasattr(module, "eval_conv")):
        return None
    module.update_params()  # type: ignore[operator]
    convolution: nn.Conv2d = module.eval_conv  # type: ignore[assignment]
    if not getattr(module, "has_relu", False):
        return convolution
    return nn.Sequential(convolution, nn.LeakyReLU(0.05))
