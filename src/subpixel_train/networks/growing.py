"""A plain network that starts as a smaller one: the same function, with room to learn more.

After T. Chen, I. Goodfellow and J. Shlens, "Net2Net: Accelerating Learning via Knowledge Transfer", ICLR 2016,
https://arxiv.org/abs/1511.05641. Where they copy channels and share out their weights, the new channels here are
the new network's own beginning, and what the old ones take from them starts at zero: nothing is there twice, so that
no noise is needed to make copies differ. Layers beyond the smaller one's are the identity, which ReLU keeps.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def grown(own: Mapping[str, Tensor], small: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of a larger plain network that computes what a smaller one does.

    Args:
        own: the larger network's tensors as it begins: ``first``, ``inner.0`` …, ``last``, with ReLU between them.
        small: the smaller network's; narrower or shallower. Its scale may differ: its last convolution then stays
            away.

    Returns:
        `small` with the tensors of these layers made to fit `own`; `small` itself where it is not smaller.
    """
    width, inside = _shape(own)
    narrow, fewer = _shape(small)
    if narrow > width or fewer > inside or (narrow, fewer) == (width, inside):
        return dict(small)
    made = dict(small)
    for name in ("first", *(f"inner.{index}" for index in range(inside)), "last"):
        for part in (f"{name}.weight", f"{name}.bias"):
            if part in small:
                made[part] = _placed(own[part], small[part], name)
            elif part in own:
                made[part] = _passing(own[part], narrow)
    return made


def _shape(tensors: Mapping[str, Tensor]) -> tuple[int, int]:
    """(channels, inner layers); (0, 0) of what is no plain network."""
    if "first.weight" not in tensors:
        return 0, 0
    inside = sum(name.startswith("inner.") and name.endswith(".weight") for name in tensors)
    return tensors["first.weight"].shape[0], inside


def _placed(own: Tensor, small: Tensor, layer: str) -> Tensor:
    """The smaller tensor in the first channels of the larger; the old channels take nothing of the new ones yet."""
    if layer == "last" and own.shape[0] != small.shape[0]:  # another scale
        return small
    made = own.clone()
    rows = small.shape[0]
    made[:rows] = 0
    if small.dim() == 1:
        made[:rows] = small
    else:
        made[:rows, : small.shape[1]] = small
    return made


def _passing(own: Tensor, narrow: int) -> Tensor:
    """A layer that hands the old channels on; the new ones begin as they would."""
    made = own.clone()
    made[:narrow] = 0
    if own.dim() == 4:
        middle = own.shape[-1] // 2
        made[:narrow, :narrow, middle, middle] = torch.eye(narrow, dtype=own.dtype)
    return made
