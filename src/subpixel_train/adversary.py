"""The adversary of a training: a discriminator that learns to tell results from photographs, with its optimiser.

The second stage of ISR, SRGAN and ESRGAN: the network goes on from its weights of the first stage, trained on pixels,
and is now asked to deceive the discriminator too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final, Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from subpixel.errors import TrainingError
from subpixel_train.losses.adversarial import ADVERSARIAL
from subpixel_train.networks.isr_discriminator import IsrDiscriminator
from subpixel_train.networks.srgan_discriminator import SrganDiscriminator
from subpixel_train.networks.unet_discriminator import UnetDiscriminator
from subpixel_train.train.state import optimiser_tensors, restore_optimiser

PREFIX: Final = "adversary."
"""Start of the names of its tensors in a checkpoint."""


class AdversarySettings(BaseModel):
    """A discriminator that the network learns to deceive."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["bce", "relativistic", "least-squares"] = Field(
        default="bce",
        description="binary cross-entropy as in SRGAN and ISR; its relativistic average form as in ESRGAN; or LSGAN's",
    )
    discriminator: Literal["srgan", "isr", "unet"] = Field(
        default="srgan",
        description="one score per picture (SRGAN); one per 4×4 pixels (ISR); or one per pixel, by a U-Net with "
        "spectral normalisation (Real-ESRGAN)",
    )
    channels: int = Field(default=64, ge=4, description="channels of the discriminator's first layer")
    weight: float = Field(
        default=0.01, gt=0, description="weight of the adversarial loss of the network; 0.01 as in ISR"
    )
    rate: float = Field(default=1e-4, gt=0, description="learning rate of the discriminator (Adam) at the start")
    falling: bool = Field(
        default=True, description="whether its rate falls as the network's; ISR's discriminator keeps its rate"
    )
    betas: tuple[float, float] = Field(default=(0.9, 0.999), description="decay of the discriminator's two moments")
    clip: float | None = Field(default=None, gt=0, description="largest norm of its gradient; none: not clipped")
    smooth: float = Field(
        default=0.0, ge=0, lt=0.5, description="real pictures are asked for a score of 1 minus this, not of 1"
    )
    start_epoch: int = Field(default=0, ge=0, description="epochs before the adversary takes part")


def build_discriminator(settings: AdversarySettings, channels: int) -> nn.Module:
    """A fresh discriminator for pictures with so many channels: (N, C, H, W) in 0–1 → scores, above 0 for real."""
    match settings.discriminator:
        case "srgan":
            return SrganDiscriminator(channels, settings.channels)
        case "isr":
            return IsrDiscriminator(channels, settings.channels)
        case "unet":
            return UnetDiscriminator(channels, settings.channels)


class Adversary:
    """A discriminator, its optimiser, and the steps of both sides.

    A training step of the loop:

        results = network(small)
        loss = objective(results, targets).total + adversary.weight * adversary.generator_loss(results[-1], targets[-1])
        fabric.backward(loss)                                     # the discriminator gets no gradient from this
        optimiser.step()
        parts = adversary.train_step(results[-1].detach(), targets[-1], share)

    Args:
        settings: from the recipe.
        channels: of the pictures: 1 for luma, 3 for RGB.
        seed: decides the discriminator's first weights; random numbers of the caller are not touched.
    """

    def __init__(self, settings: AdversarySettings, channels: int, seed: int = 0) -> None:
        self.settings = settings
        self._loss = ADVERSARIAL[settings.kind]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = build_discriminator(settings, channels)
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimiser: torch.optim.Optimizer = torch.optim.Adam(
            self.network.parameters(), lr=settings.rate, betas=settings.betas
        )
        self._fabric: Fabric | None = None
        self._wrapped: _FabricModule | None = None

    @property
    def weight(self) -> float:
        """Weight of `generator_loss` in the network's loss."""
        return self.settings.weight

    def takes_part(self, epoch: int) -> bool:
        """Whether it plays in an epoch, counted from 0."""
        return epoch >= self.settings.start_epoch

    def setup(self, fabric: Fabric) -> None:
        """Move to the device, and wrap for mixed precision and several processes. Once, before the first step."""
        self._fabric = fabric
        self._wrapped, self.optimiser = fabric.setup(self.network, self.optimiser)

    def generator_loss(self, result: Tensor, target: Tensor) -> Tensor:
        """How well the discriminator tells the network's result from a photograph: what the network lowers.

        The discriminator is frozen: gradients flow through it into `result`, and none are kept for its own weights.

        Args:
            result: (N, C, H, W), 0–1, with its graph.
            target: (N, C, H, W), 0–1.

        Returns:
            A scalar in float32, without `weight`.
        """
        with self._frozen(), self._running().autocast():
            # Not through Fabric's wrapper: a process that only looks must not wait for the gradients of the others.
            scores = self.network(result)
            with torch.no_grad():
                real = self.network(target) if self._loss.uses_real else scores
        return self._loss.generator(scores, real.detach())

    def train_step(self, result: Tensor, target: Tensor, share: float = 1.0) -> dict[str, Tensor]:
        """One step of the discriminator.

        Args:
            result: (N, C, H, W), 0–1; what the network made, detached.
            target: (N, C, H, W), 0–1.
            share: of the learning rate at the start that holds for the network now.

        Returns:
            Detached scalars: ``"adversary/loss"``, and the mean scores ``"adversary/real"`` and
            ``"adversary/generated"``.
        """
        fabric = self._running()
        assert self._wrapped is not None
        for group in self.optimiser.param_groups:
            group["lr"] = self.settings.rate * (share if self.settings.falling else 1.0)
        self.optimiser.zero_grad(set_to_none=True)
        # Two passes: batch statistics of real and generated pictures stay apart.
        generated, real = self._wrapped(result.detach()), self._wrapped(target)
        loss = self._loss.discriminator(generated, real, self.settings.smooth)
        fabric.backward(loss)
        if self.settings.clip:
            fabric.clip_gradients(self._wrapped, self.optimiser, max_norm=self.settings.clip)
        self.optimiser.step()
        return {
            "adversary/loss": loss.detach(),
            "adversary/real": real.detach().float().mean(),
            "adversary/generated": generated.detach().float().mean(),
        }

    def tensors(self) -> dict[str, Tensor]:
        """All that a checkpoint needs to go on exactly: weights, running statistics, singular vectors, moments.

        Raises:
            TrainingError: weights that are no longer finite; such a state is not worth keeping.
        """
        if not all(bool(weight.isfinite().all()) for weight in self.network.parameters()):
            raise TrainingError(
                "the adversary's weights are no longer finite",
                "lower adversary.rate or set adversary.clip; the last checkpoint is good",
            )
        made = {f"{PREFIX}network.{name}": value for name, value in self.network.state_dict().items()}
        moments = optimiser_tensors(self.optimiser)
        return made | {f"{PREFIX}{name}": value for name, value in moments.items()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Put back what `tensors` took; other tensors of the checkpoint are passed over. After `setup`.

        Raises:
            TrainingError: the checkpoint has no adversary, or another one.
        """
        own = {name.removeprefix(PREFIX): value for name, value in tensors.items() if name.startswith(PREFIX)}
        weights = {n.removeprefix("network."): value for n, value in own.items() if n.startswith("network.")}
        if not weights:
            raise TrainingError(
                "the checkpoint is of a training without an adversary",
                "start a second stage from it: set init_from to its folder, and give another --output",
            )
        try:
            self.network.load_state_dict(weights)
        except RuntimeError:
            raise TrainingError(
                f"the checkpoint's adversary is not {self.settings.discriminator} of {self.settings.channels} channels",
                "give another --output, or the recipe it was trained with",
            ) from None
        restore_optimiser(self.optimiser, own)

    def _running(self) -> Fabric:
        if self._fabric is None:
            raise RuntimeError("call setup(fabric) before the first step")
        return self._fabric

    @contextlib.contextmanager
    def _frozen(self) -> Iterator[None]:
        """Weights ask for no gradient inside."""
        weights = list(self.network.parameters())
        for weight in weights:
            weight.requires_grad_(False)
        try:
            yield
        finally:
            for weight in weights:
                weight.requires_grad_(True)
