"""The trainable networks. A new one is a file here and a line in `build`."""

from __future__ import annotations

from typing import Final

from subpixel_train.networks.base import BicubicEnlarge, Network, recentre
from subpixel_train.networks.espcn import Espcn, EspcnSettings
from subpixel_train.networks.srcnn import Srcnn, SrcnnSettings

__all__ = [
    "NETWORKS",
    "BicubicEnlarge",
    "Espcn",
    "EspcnSettings",
    "Network",
    "Srcnn",
    "SrcnnSettings",
    "build",
    "recentre",
]

NETWORKS: Final[dict[str, type[Network]]] = {network.name: network for network in (Espcn, Srcnn)}
"""Every trainable network by its name in recipes."""


def build(name: str, scale: int, *, padded: bool = True) -> Network:
    """A freshly initialised network.

    Args:
        name: a key of `NETWORKS`.
        scale: upscale factor.
        padded: zero padding that keeps the size, as in the shipped file; training runs without.
    """
    match name:
        case Espcn.name:
            return Espcn(EspcnSettings(scale, padded))
        case Srcnn.name:
            return Srcnn(SrcnnSettings(scale, padded))
        case _:
            raise ValueError(f"no network named {name!r}; there are {', '.join(NETWORKS)}")
