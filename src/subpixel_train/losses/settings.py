"""What a recipe says about its loss."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PerceptualSettings(_Settings):
    """Distance of the features that a network trained to recognise things finds in result and target."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    weight: float = Field(default=0.0833, gt=0, description="weight of the feature loss; 0.0833 as in ISR")
    extractor: Literal["vgg19", "squeezenet"] = Field(
        default="vgg19", description="the network that finds the features"
    )
    layers: list[str] | None = Field(
        default=None,
        min_length=1,
        description="layers whose features are compared, as block2_conv2 or 5 (Keras' number) of VGG19, fire4 of "
        "SqueezeNet; none: block2_conv2 and block3_conv3, or conv1 and fire4",
    )
    weights: str | None = Field(
        default=None, description="file with the extractor's weights; none: the one in the user's cache"
    )
    criterion: Literal["mse", "mae"] = Field(default="mse", description="how features are compared")


class LossSettings(_Settings):
    """Weights of the losses, whose weighted sum the training lowers. `loss: mae` is short for `loss: {mae: 1}`."""

    mse: float = Field(default=0.0, ge=0, description="weight of the mean squared error")
    mae: float = Field(default=0.0, ge=0, description="weight of the mean absolute error")
    charbonnier: float = Field(default=0.0, ge=0, description="weight of the smooth mean absolute error")
    psnr: float = Field(default=0.0, ge=0, description="weight of minus the PSNR of each crop, in units of 10 dB")
    frequency: float = Field(
        default=0.0, ge=0, description="weight of the mean absolute difference of the Fourier transforms, as 0.05"
    )
    ssim: float = Field(default=0.0, ge=0, description="weight of 1 − SSIM")
    perceptual: PerceptualSettings | None = Field(default=None, description="distance of features; none: not used")
    outputs: list[float] | None = Field(
        default=None,
        min_length=1,
        description="weights of a network's outputs, from the smallest; none: equal, with a sum of 1",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_name(cls, values: Any) -> Any:
        """`mae` means `{mae: 1}`."""
        if not isinstance(values, str):
            return values
        if values in PLAIN:
            return {values: 1.0}
        near = difflib.get_close_matches(values, PLAIN, 1, 0.4)
        meant = f"did you mean '{near[0]}'? " if near else ""
        raise ValueError(f"no such loss; {meant}there are {', '.join(PLAIN)}")

    @model_validator(mode="after")
    def _some_weight(self) -> LossSettings:
        if self.perceptual is None and not list(self.plain()):
            raise ValueError(f"at least one loss needs a weight above 0, as mae: 1; there are {', '.join(PLAIN)}")
        if self.outputs is not None and (min(self.outputs) < 0 or max(self.outputs) <= 0):
            raise ValueError("outputs: weights are 0 or more, and one at least is above 0")
        return self

    def plain(self) -> Iterator[tuple[str, float]]:
        """Name and weight of each loss in use that needs no other network."""
        for name in PLAIN:
            weight = float(getattr(self, name))
            if weight > 0:
                yield name, weight


PLAIN: Final = tuple(name for name, field in LossSettings.model_fields.items() if field.annotation is float)
"""Names of the losses that need no other network; the keys of `LOSSES`."""


class DistillSettings(_Settings):
    """Learn from what a larger network makes of the same input, besides the photographs."""

    model: str = Field(description="the teacher: folder of a training, or its weights file")
    weight: float = Field(default=1.0, gt=0, description="weight of the distance to the teacher's result")
    loss: Literal["mae", "mse", "charbonnier", "psnr", "frequency", "ssim"] = Field(
        default="mae", description="how results are compared"
    )
