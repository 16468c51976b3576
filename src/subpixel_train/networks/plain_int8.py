"""The plain network as it computes in int8: rounded like the exported file, weight by weight and value by value.

    Y ─ u8 ─ conv 3×3 ─ u8 ─ (conv 3×3 ─ u8) × depth ─ conv 3×3 ─ + ─ [faithful] ─ shuffle r ─ Y, r× larger
    └─────────── enlargement as one convolution, float ───────────┘

`u8` is a ReLU and rounding to the grid of `subpixel_train.quantise.grid`; weights are rounded to int8 for every output
channel. Gradients pass through the roundings as if they were not there (the straight-through estimator, Bengio et al.,
2013, https://arxiv.org/abs/1308.3432), so the network learns to live with them. It has the parameters of a plain
network and no others: weights of either fit the other.
"""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn
from torch.nn import functional

from subpixel_train.networks.base import MEAN
from subpixel_train.networks.plain import Plain
from subpixel_train.quantise import grid


class PlainInt8(Plain):
    """A plain network that computes in int8.

    Attributes:
        rounded: False for the exported file's float form: rounded weights, but results as they are.
    """

    rounded = True

    def convolutions(self) -> tuple[nn.Conv2d, ...]:
        """The layers in int8, from input to output."""
        return (self.first, *(layer for layer in self.inner if isinstance(layer, nn.Conv2d)), self.last)

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
        small = functional.pixel_unshuffle(x - MEAN, self.unshuffle)  # (N, u², H/u, W/u)
        y = functional.pixel_unshuffle(x if not self.rounded else grid.activation(x), self.unshuffle)  # not centred
        first, *others = self.convolutions()
        y = self._convolve(first, y, MEAN)  # (N, W, H/u, W/u)
        for layer in others:
            y = self._convolve(
                layer, grid.activation(y) if self.rounded else functional.relu(y)
            )  # (N, W, H/u, W/u), at last (N, (ru)², H/u, W/u)
        y = y.float() + self._enlarged(small)
        if self.projection is not None:
            y = self.projection(y, small)  # (N, r², H, W)
        return functional.pixel_shuffle(y, self.scale * self.unshuffle) + MEAN  # (N, 1, rH, rW)

    def _convolve(self, layer: nn.Conv2d, x: Tensor, centre: float = 0.0) -> Tensor:
        """One layer on values of the grid less `centre`, rounded as in the file."""
        weight, bias, scale = quantised(layer, centre)
        if self.training and centre:
            # Beyond the border of a crop there is no black: what is near it should not learn that there is.
            x = functional.pad(x, (1, 1, 1, 1), mode="replicate")
        # Whole numbers up to 127 and multiples of 1/256 are exact in bfloat16 too.
        y = functional.conv2d(x, weight, padding=0 if self.training and centre else 1)
        return (y + (bias * grid.STEP)[:, None, None]) * scale[:, None, None]


def quantised(layer: nn.Conv2d, centre: float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
    """A layer in whole numbers, for input on the grid that means itself less `centre`.

    Returns:
        Weights (out, in, 3, 3) of −127…127, bias (out,) in units of STEP·scale, scale (out,); all float32.
    """
    assert layer.bias is not None
    scale = grid.weight_scale(layer.weight)
    weight = grid.weight_steps(layer.weight, scale)
    bias = layer.bias.float() - centre * weight.sum(dim=(1, 2, 3)) * scale
    return weight, grid.bias_steps(bias, scale), scale
