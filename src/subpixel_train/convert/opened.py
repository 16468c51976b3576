"""What every kind of source becomes before it is exported."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True, slots=True)
class Opened:
    """A network with its weights, and what is known of it.

    Attributes:
        network: (N, channels, H, W) → (N, channels, scale·H, scale·W), values 0–1, in evaluation mode, ready to be
            exported.
        architecture: its name for people.
        scale: factor.
        channels: 1 for grey, 3 for RGB.
        align: H and W have to be multiples of it, and the network treats places alike only in steps of it.
        minimum: least H and W.
        tags: details of its form, as ("64nf", "23nb").
        paper: where it was published; empty where that is not known.
    """

    network: nn.Module
    architecture: str
    scale: int
    channels: int
    align: int = 1
    minimum: int = 1
    tags: tuple[str, ...] = ()
    paper: str = ""
