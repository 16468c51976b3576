"""The plain network as it computes in int8: rounded like the exported file, weight by weight and value by value.

    Y ─ split ─ conv 3×3 ─ u8 ─ (conv 3×3 ─ u8) × depth ─ conv 3×3 ─ + ─ [faithful] ─ shuffle r ─ Y, r× larger
    └─ fine ────────── enlargement as one convolution ───────────────┘

`u8` is a ReLU and rounding to the grid of `subpixel_train.quantise.grid`; `split` makes two channels of that grid of
luma, rounded and what that left. Weights are rounded to int8 for every output channel. `fine` is rounding to its finer
grid, on which back-projection works too: all arithmetic is exact.

Gradients pass through the roundings as if they were not there (the straight-through estimator, Bengio et al., 2013,
https://arxiv.org/abs/1308.3432), so the network learns to live with them. It has the parameters of a plain network and
no others: weights of either fit the other.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from subpixel_train.networks.base import MEAN, BicubicEnlarge, bicubic_reduction
from subpixel_train.networks.plain import BackProjection, Plain, PlainSettings, convolve
from subpixel_train.quantise import grid
from subpixel_train.quantise.layers import convolved, joined, quantised_first, split


class PlainInt8(Plain):
    """A plain network that computes in int8.

    Attributes:
        rounded: False for the exported file's float form: rounded weights, but results as they are.
    """

    rounded = True

    def __init__(self, settings: PlainSettings, scale: int) -> None:
        super().__init__(settings, scale)
        self.projection = ExactBackProjection(scale) if settings.faithful else None

    def plain(self) -> Plain:
        """The same network, with the same weights, that does not round."""
        made = Plain(self.settings, self.scale)
        made.load_state_dict(self.state_dict())
        return made.to(self.first.weight.device).train(self.training)

    def prepare(self, small: Iterable[Tensor]) -> None:
        """Scale the layers so that their results fit the grid; see `calibration.fit`."""
        from subpixel_train.quantise.calibration import fit

        fit(self, small)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, H, W), luma in 0–1 → (N, 1, rH, rW), luma in 0–1, not clipped. H, W: multiples of `unshuffle`."""
        x = x.float()
        small = functional.pixel_unshuffle(_fine(x - MEAN, self.rounded), self.unshuffle)
        y = self.entered(functional.pixel_unshuffle(x, self.unshuffle))  # (N, W, H/u, W/u)
        for layer in self.convolutions()[1:]:
            y = convolved(layer, grid.activation(y) if self.rounded else functional.relu(y))  # at last (N, (ru)², …)
        y = y.float() + self._enlarged(small)
        if self.projection is not None:
            y = self.projection(y, small, self.rounded)  # (N, r², H, W)
        return functional.pixel_shuffle(y, self.scale * self.unshuffle) + MEAN  # (N, 1, rH, rW)

    def seen(self, luma: Tensor) -> Tensor:
        """Luma (N, u², H/u, W/u) as the first layer sees it."""
        return joined(split(luma, self.rounded))

    def entered(self, luma: Tensor) -> Tensor:
        """What the first layer makes of luma (N, u², H/u, W/u): (N, W, H/u, W/u)."""
        # Beyond the border of a crop there is no black: what is near it should not learn that there is.
        parts = split(luma, self.rounded)
        return convolved(self.first, parts, quantised_first(self.first), careful=self.training)

    def skip_weights(self) -> Tensor:
        """Weights of the enlargement that the network adds to, (r², 1, k, k), on the fine grid."""
        return grid.fine_weights(self.skip.weight)

    def _enlarged(self, small: Tensor) -> Tensor:
        with torch.autocast(small.device.type, enabled=False):
            return convolve(small, self.skip_weights(), careful=self.training)


class ExactBackProjection(nn.Module):
    """`BackProjection` on the fine grid, the reduction by one kernel for each phase.

    The phases are rounded to the grid for good, to 1/8 of an 8-bit level: only what they are reduced from is exact.
    """

    reach = BackProjection.reach

    def __init__(self, scale: int) -> None:
        super().__init__()
        along, down = bicubic_reduction(scale)
        rows = along.reshape(scale, scale, scale, 5).diagonal().permute(2, 0, 1)  # (row phase, column phase, 5)
        reduce = torch.einsum("ra,rcb->rcab", down[0, :, :, 0], rows).reshape(1, scale * scale, 5, 5)
        self.register_buffer("reduce", grid.fine_weights(reduce), persistent=False)
        enlarge = BicubicEnlarge(scale).get_buffer("kernels")
        self.register_buffer("enlarge", grid.fine_weights(enlarge), persistent=False)

    def forward(self, phases: Tensor, small: Tensor, rounded: bool = True) -> Tensor:
        """Phases of the result (N, r², H, W) and the input (N, 1, H, W) → phases that reduce to the input, nearly."""
        with torch.autocast(phases.device.type, enabled=False):
            # Sums are exact within ±1, and noise drives some beyond: what is blacker than black is cut off here already
            phases = _fine(phases.float().clamp(-MEAN, 1 - MEAN), rounded)
            reduced = convolve(phases, self.get_buffer("reduce"), self.training)  # (N, 1, H, W)
            return phases + convolve(_fine(small - reduced, rounded), self.get_buffer("enlarge"), self.training)


def _fine(x: Tensor, rounded: bool) -> Tensor:
    return grid.fine(x) if rounded else x
