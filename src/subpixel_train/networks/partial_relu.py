"""ReLU of all channels but the first ones, in training rounded as int8 will, if asked."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn

REACH: Final = 1.7
"""How far linear channels reach in int8, as a multiple of what the others of their layer do, found by trial: their sums
are rounded in layer after layer."""
_SPARE: Final = 1.1
"""Linear channels reach further on all pictures than on those of a batch."""
_STEPS: Final = 255


class PartialReLU(nn.Module):
    """ReLU of all channels but the first ones.

    Args:
        linear: channels that pass as they are.
        fake_quantise: in training, round to as many steps as int8 has, between what the channels of a batch reach: each
            linear one has a grid of its own, the others share one. Gradients pass as if nothing was rounded (the
            straight-through estimator, Bengio et al., 2013, https://arxiv.org/abs/1308.3432).
    """

    def __init__(self, linear: int, fake_quantise: bool = False) -> None:
        super().__init__()
        self.linear = linear
        self.fake_quantise = fake_quantise

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → the same."""
        if not self.training:
            return torch.cat((x[:, : self.linear], x[:, self.linear :].relu()), 1)
        y: Tensor = _PartialReLU.apply(x, self.linear, self.fake_quantise)  # type: ignore[no-untyped-call]
        return y


class _PartialReLU(torch.autograd.Function):
    """ReLU in one pass over everything, the linear channels put back: a quarter of the time of joining two halves."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, linear: int, fake_quantise: bool) -> Tensor:
        y = x.relu()
        y[:, :linear] = x[:, :linear]
        ctx.save_for_backward(y)
        ctx.linear = linear
        return _rounded(y, linear) if fake_quantise else y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (y,), (gradient,) = ctx.saved_tensors, gradients
        made: Tensor = torch.ops.aten.threshold_backward(gradient, y, 0)
        made[:, : ctx.linear] = gradient[:, : ctx.linear]
        return made, None, None


def _rounded(y: Tensor, linear: int) -> Tensor:
    """What the layer of a batch hands on, rounded: (N, C, H, W) → the same."""
    low, high = y[:, :linear].amin((0, 2, 3)), y[:, :linear].amax((0, 2, 3))
    step = torch.full(y.shape[1:2], float(y[:, linear:].amax()) * REACH / _STEPS, dtype=torch.float32)
    step[:linear] = (high - low).float() * _SPARE / _STEPS
    each = step.clamp_min(1e-7).to(y)[:, None, None]
    start = torch.zeros_like(each)
    start[:linear, 0, 0] = low
    return ((y - start) / each).round_().mul_(each).add_(start)
