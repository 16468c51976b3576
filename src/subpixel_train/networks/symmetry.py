"""Filters tied over the eight ways to lay a picture down: what is learned of an edge holds for it mirrored and turned.

The channels of a layer stand in groups of eight, one for each flip and quarter turn of the square. Channel h of a
group sees with the filter of channel 0, mirrored or turned by h, and takes from the groups before it in the order that
h makes of them. A network of such layers makes of a mirrored picture the mirrored result, exactly, has an eighth of the
free weights, and every crop teaches each of them eight times. Nothing of it is left when it ships: spread out, the
weights are those of plain convolutions.

T. Cohen and M. Welling, "Group Equivariant Convolutional Networks", ICML 2016, https://arxiv.org/abs/1602.07576 (p4m).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

ORDER: Final = 8
"""Flips and quarter turns of the square, the picture as it is among them."""

_Turn = tuple[tuple[int, int], tuple[int, int]]  # a matrix on (row, column)
_MIRROR: Final[_Turn] = ((1, 0), (0, -1))
_QUARTER: Final[_Turn] = ((0, -1), (1, 0))


def _after(a: _Turn, b: _Turn) -> _Turn:
    rows = tuple(tuple(sum(a[i][k] * b[k][j] for k in (0, 1)) for j in (0, 1)) for i in (0, 1))
    return rows  # type: ignore[return-value]


def _back(a: _Turn) -> _Turn:
    return ((a[0][0], a[1][0]), (a[0][1], a[1][1]))


def _moved(a: _Turn, row: float, column: float) -> tuple[float, float]:
    return a[0][0] * row + a[0][1] * column, a[1][0] * row + a[1][1] * column


def _group() -> tuple[_Turn, ...]:
    found: list[_Turn] = [((1, 0), (0, 1))]
    while len(found) < ORDER:  # quarter turns of what is there, then their mirrors
        found.append(_after(_QUARTER, found[-1]) if len(found) != ORDER // 2 else _MIRROR)
    return tuple(found)


GROUP: Final = _group()


class _Spread(torch.autograd.Function):
    """Every free weight to its eight places; back, the sum of what those are told."""

    @staticmethod
    def forward(context: Any, free: Tensor, source: Tensor, places: Tensor) -> Tensor:
        context.save_for_backward(places)
        context.shape = free.shape
        return free.reshape(-1).index_select(0, source.reshape(-1)).view(source.shape)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (places,) = context.saved_tensors
        told = gradients[0].reshape(-1).index_select(0, places.reshape(-1)).view(places.shape)
        return told.sum(0).view(context.shape), None, None


class Tied(nn.Module):
    """Parametrization of a tensor whose entries are free ones, each in eight places.

    Args:
        source: for every entry of the tensor, the place of its free weight; each occurs eight times.
        free: shape of the free weights.
    """

    def __init__(self, source: Tensor, free: tuple[int, ...]) -> None:
        super().__init__()
        self.free = free
        places = source.reshape(-1).argsort(stable=True).view(-1, ORDER).T.contiguous()  # (8, free weights)
        self.register_buffer("source", source, persistent=False)
        self.register_buffer("places", places, persistent=False)

    def forward(self, free: Tensor) -> Tensor:
        """Free weights → the tensor."""
        spread: Tensor = _Spread.apply(free, self.get_buffer("source"), self.get_buffer("places"))  # type: ignore[no-untyped-call]
        return spread

    def right_inverse(self, full: Tensor) -> Tensor:
        """One of the eight places of every free weight, the first in memory."""
        return full.detach().reshape(-1).index_select(0, self.get_buffer("places")[0]).view(self.free).clone()


class Evened(nn.Module):
    """Parametrization of a tensor by its mean over the eight: where a place may be its own mirror image.

    Args:
        sources: (8, …): for every entry of the tensor, where it comes from under each of the eight.
    """

    def __init__(self, sources: Tensor) -> None:
        super().__init__()
        self.register_buffer("sources", sources, persistent=False)

    def forward(self, free: Tensor) -> Tensor:
        """Weights as they are → their mean over the eight."""
        return free.reshape(-1)[self.get_buffer("sources")].mean(0)

    def right_inverse(self, full: Tensor) -> Tensor:
        """Itself: the mean over the eight comes after."""
        return full.detach().clone()


def tie(first: nn.Conv2d, inner: list[nn.Conv2d], last: nn.Conv2d, enlargement: nn.Conv2d, scale: int) -> None:
    """Tie the weights of a plain network, in place; all but the last begin as those of every group's channel 0 did.

    Args:
        first: 1 → W channels; W a multiple of 8.
        inner: W → W.
        last: W → r², before the pixel shuffle.
        enlargement: 1 → r², without a bias; what the network adds to.
        scale: r.
    """
    groups = first.out_channels // ORDER
    _register(first, Tied(_of_the_first(groups), (groups, 1, 3, 3)), _shared(groups))
    for layer in inner:
        _register(layer, Tied(_of_inner(groups), (groups, groups * ORDER, 3, 3)), _shared(groups))
    _register(
        last, Tied(_of_the_last(groups, scale), (scale**2, groups, 3, 3)), Evened(_phases(scale, 1)[..., 0, 0, 0])
    )
    if enlargement.weight.requires_grad:
        parametrize.register_parametrization(enlargement, "weight", Evened(_phases(scale, enlargement.kernel_size[0])))


def untied(state: dict[str, Tensor], layers: dict[str, nn.Conv2d]) -> dict[str, Tensor]:
    """A state dict with the weights of tied layers, by their names, spread out."""
    made = {name: value for name, value in state.items() if ".parametrizations." not in name}
    for name, layer in layers.items():
        for part in ("weight", "bias"):
            if getattr(layer, part) is not None:
                made[f"{name}.{part}"] = getattr(layer, part).detach().clone()
    return made


def _register(layer: nn.Conv2d, weight: nn.Module, bias: nn.Module) -> None:
    parametrize.register_parametrization(layer, "weight", weight)
    parametrize.register_parametrization(layer, "bias", bias)


def _shared(groups: int) -> Tied:
    """Biases: one for each group."""
    return Tied(torch.arange(groups).repeat_interleave(ORDER), (groups,))


def _taps(turn: _Turn, size: int = 3) -> Iterator[tuple[int, int, int]]:
    """(row, column, place in the kernel before the turn) of every tap of a kernel that was mirrored or turned."""
    middle = size // 2
    for row, column in product(range(size), repeat=2):
        above, left = _moved(_back(turn), row - middle, column - middle)
        yield row, column, int(above + middle) * size + int(left + middle)


def _of_the_first(groups: int) -> Tensor:
    source = torch.empty(groups * ORDER, 1, 3, 3, dtype=torch.long)
    for turned, turn in enumerate(GROUP):
        for row, column, tap in _taps(turn):
            source[turned::ORDER, 0, row, column] = 9 * torch.arange(groups) + tap
    return source


def _of_inner(groups: int) -> Tensor:
    """W[h, g](x) = ψ[h⁻¹g](h⁻¹x): weights (out, in, 3, 3) from free ones (groups, in, 3, 3)."""
    source = torch.empty(groups * ORDER, groups * ORDER, 3, 3, dtype=torch.long)
    into, outof = torch.arange(groups)[:, None], torch.arange(groups)[None]
    for (turned, turn), (given, other) in product(enumerate(GROUP), repeat=2):
        seen = GROUP.index(_after(_back(turn), other))
        channel = into * groups * ORDER + outof * ORDER + seen
        for row, column, tap in _taps(turn):
            source[turned::ORDER, given::ORDER, row, column] = 9 * channel + tap
    return source


def _of_the_last(groups: int, scale: int) -> Tensor:
    """W[p, g](x) = φ[g⁻¹p](g⁻¹x), p a pixel of the r×r that one becomes."""
    source = torch.empty(scale**2, groups * ORDER, 3, 3, dtype=torch.long)
    for given, turn in enumerate(GROUP):
        phase = _turned_phases(turn, scale)[:, None] * groups + torch.arange(groups)[None]
        for row, column, tap in _taps(turn):
            source[:, given::ORDER, row, column] = 9 * phase + tap
    return source


def _turned_phases(turn: _Turn, scale: int) -> Tensor:
    """Which pixel of the r×r comes to stand at each under a turn."""
    middle = (scale - 1) / 2
    places = [_moved(_back(turn), pixel // scale - middle, pixel % scale - middle) for pixel in range(scale**2)]
    return torch.tensor([round(row + middle) * scale + round(column + middle) for row, column in places])


def _phases(scale: int, size: int) -> Tensor:
    """(8, r², 1, size, size): where the entries of an enlargement come from under each of the eight."""
    sources = torch.empty(ORDER, scale**2, 1, size, size, dtype=torch.long)
    for index, turn in enumerate(GROUP):
        phase = _turned_phases(turn, scale)
        for row, column, tap in _taps(turn, size):
            sources[index, :, 0, row, column] = phase * size * size + tap
    return sources
