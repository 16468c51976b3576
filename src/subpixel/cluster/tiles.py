"""One large picture on many nodes: a node reads and writes it, and has its tiles computed by all of them.

The plan, the tiles and what is done to each are those of a picture on one computer, and so is the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from subpixel.choosing import Choice, Chooser
from subpixel.cluster.orders import Making
from subpixel.cluster.worker import upscaler_for
from subpixel.loading import Networks
from subpixel.tile import Clock, Network, TileWork
from subpixel.types import Precision
from subpixel.upscaler import Upscaler


@dataclass(frozen=True, slots=True)
class Which:
    """A network, as every node finds it: the arguments of `Networks.load`.

    Attributes:
        restoring: of those for squeezed pictures.
    """

    restoring: bool
    scales: tuple[int, ...]
    precision: Precision
    colour: bool
    later: bool


def compute(
    making: Making, which: Which, samples: NDArray[Any], alpha: bool, shapes: Sequence[tuple[tuple[int, ...], str]]
) -> tuple[float, list[NDArray[np.generic]]]:
    """One tile, on whichever node: seconds in the network, and its results."""
    choose = upscaler_for(making).choose
    networks = choose.restoring if which.restoring else choose.clean
    network = networks.load(which.scales, which.precision, colour=which.colour, workers=1, later=which.later)
    outs = [np.empty(shape, dtype) for shape, dtype in shapes]
    clock = Clock()
    TileWork(network, clock)(samples, alpha, outs)
    return clock.network, cast("list[NDArray[np.generic]]", outs)


class _SentWork(TileWork):
    """A tile's work, done elsewhere."""

    def __init__(self, network: Network, clock: Clock, which: Which, making: _Sent) -> None:
        super().__init__(network, clock)
        self._which, self._making = which, making

    def __call__(self, samples: NDArray[Any], alpha: bool, outs: Sequence[NDArray[np.generic]]) -> None:
        """See `TileWork`."""
        import ray

        shapes = tuple((out.shape, out.dtype.str) for out in outs)
        tile = np.ascontiguousarray(samples)
        task = ray.remote(compute).options(num_cpus=self._making.threads, max_retries=-1, name="tile")
        seconds, made = ray.get(task.remote(self._making.sent, self._which, tile, alpha, shapes))
        for out, one in zip(outs, made, strict=True):
            out[...] = one
        self.clock.add(network=seconds)


@dataclass(frozen=True, slots=True)
class _Sent:
    """How pictures are made, once for all nodes.

    Attributes:
        sent: `Making`, where Ray keeps it.
        threads: of a tile.
    """

    sent: Any
    threads: int


@dataclass(frozen=True, slots=True)
class _SentNetwork(Network):
    """A network whose tiles are computed elsewhere."""

    which: Which | None = None
    making: _Sent | None = None

    def work(self, clock: Clock) -> TileWork:
        """See `Network`."""
        assert self.which is not None
        assert self.making is not None
        return _SentWork(self, clock, self.which, self.making)


class _SentNetworks:
    """`Networks` of which every tile is computed elsewhere."""

    def __init__(self, networks: Networks, restoring: bool, making: _Sent) -> None:
        self._networks, self._restoring, self._making = networks, restoring, making

    def __getattr__(self, name: str) -> Any:
        return getattr(self._networks, name)

    def load(
        self,
        scales: tuple[int, ...],
        precision: Precision,
        *,
        colour: bool,
        workers: int | None = None,
        later: bool = False,
    ) -> Network:
        """See `Networks`."""
        own = self._networks.load(scales, precision, colour=colour, workers=1, later=later)
        which = Which(self._restoring, scales, precision, colour, later)
        facts = {field.name: getattr(own, field.name) for field in fields(own)}
        return _SentNetwork(**facts, which=which, making=self._making)


class _SentChooser:
    """`Chooser` of networks whose tiles are computed elsewhere."""

    def __init__(self, choose: Chooser, making: _Sent) -> None:
        self._choose, self._making = choose, making

    def __getattr__(self, name: str) -> Any:
        return getattr(self._choose, name)

    def __call__(self, picture: Any = None) -> Choice:
        """See `Chooser`."""
        choice = self._choose(picture)
        restoring = choice.networks is not self._choose.clean
        sent = _SentNetworks(choice.networks, restoring, self._making)
        return Choice(cast(Networks, sent), choice.chosen)


def sending(upscaler: Upscaler, *, making: Making, spread: int) -> Upscaler:
    """An upscaler as that one, whose tiles are computed by all nodes, `spread` at a time."""
    import ray

    made = Upscaler(engine=making.engine, precision=making.precision, threads=spread, tile=making.tile)
    made.choose = cast(Chooser, _SentChooser(upscaler.choose, _Sent(ray.put(making), making.threads)))
    return made
