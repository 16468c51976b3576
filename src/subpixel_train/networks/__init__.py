"""The trainable networks. A new one is a file here and a line in `NETWORKS` and in `NetworkSettings`."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias, get_args

from pydantic import Field

from subpixel_train.networks.autoencoder import Autoencoder, AutoencoderSettings
from subpixel_train.networks.base import BicubicEnlarge, Chain, Network, Settings, recentre
from subpixel_train.networks.colour import Colour, ColourSettings
from subpixel_train.networks.espcn import Espcn, EspcnSettings
from subpixel_train.networks.plain import Plain, PlainSettings
from subpixel_train.networks.plain_int8 import PlainInt8
from subpixel_train.networks.rdn import Rdn, RdnSettings
from subpixel_train.networks.rrdn import Rrdn, RrdnSettings
from subpixel_train.networks.srcnn import Srcnn, SrcnnSettings
from subpixel_train.networks.two_atrous import TwoAtrous, TwoAtrousSettings
from subpixel_train.networks.two_basic import TwoBasic, TwoBasicSettings
from subpixel_train.networks.two_pretrained import TwoPretrained, TwoPretrainedSettings
from subpixel_train.networks.two_residual import TwoResidual, TwoResidualSettings
from subpixel_train.networks.two_shuffle import TwoShuffle, TwoShuffleSettings

__all__ = [
    "NETWORKS",
    "BicubicEnlarge",
    "Chain",
    "Colour",
    "Network",
    "NetworkSettings",
    "Plain",
    "PlainInt8",
    "Settings",
    "build",
    "recentre",
]

NETWORKS: Final[dict[str, type[Network]]] = {
    network.name: network
    for network in (
        Espcn,
        Srcnn,
        TwoBasic,
        TwoResidual,
        TwoAtrous,
        TwoPretrained,
        TwoShuffle,
        Rdn,
        Rrdn,
        Autoencoder,
        Plain,
        Colour,
    )
}
"""Every trainable network by its name in recipes."""

NetworkSettings: TypeAlias = Annotated[
    EspcnSettings
    | SrcnnSettings
    | TwoBasicSettings
    | TwoResidualSettings
    | TwoAtrousSettings
    | TwoPretrainedSettings
    | TwoShuffleSettings
    | RdnSettings
    | RrdnSettings
    | AutoencoderSettings
    | PlainSettings
    | ColourSettings,
    Field(discriminator="kind"),
]
"""Settings of any of them; `kind` says of which."""


def build(  # noqa: PLR0911 - one return per network
    settings: NetworkSettings | str, scale: int, *, padded: bool = True
) -> Network:
    """A freshly initialised network.

    Args:
        settings: of the network, or its name for the settings' defaults.
        scale: upscale factor; the largest where there are several outputs.
        padded: for ESPCN and SRCNN: zero padding that keeps the size, as in the shipped file; they train without.
            The others always pad.

    Raises:
        ValueError: no network of that name, or a scale that it cannot make.
    """
    chosen = default_settings(settings) if isinstance(settings, str) else settings
    match chosen:
        case EspcnSettings():
            return Espcn(chosen, scale, padded)
        case SrcnnSettings():
            return Srcnn(chosen, scale, padded)
        case TwoBasicSettings():
            return TwoBasic(chosen, scale)
        case TwoResidualSettings():
            return TwoResidual(chosen, scale)
        case TwoAtrousSettings():
            return TwoAtrous(chosen, scale)
        case TwoPretrainedSettings():
            return TwoPretrained(chosen, scale)
        case TwoShuffleSettings():
            return TwoShuffle(chosen, scale)
        case RdnSettings():
            return Rdn(chosen, scale)
        case RrdnSettings():
            return Rrdn(chosen, scale)
        case AutoencoderSettings():
            return Autoencoder(chosen, scale)
        case PlainSettings():
            return (PlainInt8 if chosen.int8 else Plain)(chosen, scale)
        case ColourSettings():
            return Colour(chosen, scale)


def default_settings(name: str) -> NetworkSettings:
    """The settings of the network `name` with all defaults."""
    classes = get_args(get_args(NetworkSettings)[0])
    for settings in classes:
        if settings.model_fields["kind"].default == name:
            made: NetworkSettings = settings()
            return made
    raise ValueError(f"no network named {name!r}; there are {', '.join(NETWORKS)}")
