"""What a recipe says about its optimiser and the run of its learning rate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

DEFAULT = "default"
"""Key of `rate` for the parameters that no other key names."""


class OptimiserSettings(BaseModel):
    """The optimiser and how its learning rate runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["adam", "adamw", "adadelta", "soap"] = Field(
        default="adam",
        description="Adam; AdamW, whose weight decay stands apart from the gradient; Adadelta; or SOAP: Adam in the "
        "eigenbasis of the gradients",
    )
    rate: float | list[float] | dict[str, float] = Field(
        default=1e-3,
        description="learning rate at the start (1.0 for adadelta); or one per layer from input to output; or by "
        "names of parts, as {features: 0, default: 0.001}, where 0 freezes a part",
    )
    shape: Literal["constant", "cosine", "exponential", "step", "milestones"] = Field(
        default="cosine",
        description="how the rate falls from the start to the end of the training; step: times `factor` every `every` "
        "epochs; milestones: times `factor` at each of `milestones`",
    )
    final: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="rate at the end, as a share of the rate at the start; for step and milestones the least share",
    )
    every: int = Field(default=100, ge=1, description="epochs between two falls of the rate in shape step")
    factor: float = Field(default=0.5, gt=0, lt=1, description="what the rate is multiplied by in step and milestones")
    milestones: list[int] = Field(default=[], description="epochs after which the rate falls in shape milestones")
    warmup: int = Field(default=0, ge=0, description="steps over which the rate rises from 0")
    betas: tuple[float, float] = Field(default=(0.9, 0.999), description="decay of the two moments; not in Adadelta")
    rho: float = Field(default=0.95, gt=0, lt=1, description="decay of Adadelta's two means, 0.95 as in the paper")
    epsilon: float | None = Field(
        default=None, gt=0, description="added to roots; none: 1e-8 for adam, adamw and soap, 1e-7 for adadelta"
    )
    decay: float = Field(
        default=0.0, ge=0, description="weight decay of AdamW on weights of layers, not on biases; 0.01 is usual"
    )
    clip: float | None = Field(default=None, gt=0, description="largest norm of the gradient; none: not clipped")

    @model_validator(mode="before")
    @classmethod
    def _adadelta_starts_at_one(cls, values: Any) -> Any:
        """Adadelta finds the length of its steps itself: its rate is a factor on them, 1 in the paper and in Keras."""
        if isinstance(values, dict) and values.get("kind") == "adadelta" and "rate" not in values:
            return values | {"rate": 1.0}
        return values

    @model_validator(mode="after")
    def _fits_together(self) -> OptimiserSettings:
        if self.shape == "exponential" and self.final == 0:
            raise ValueError("shape exponential needs final above 0")
        if (self.shape == "milestones") != bool(self.milestones):
            raise ValueError("shape milestones needs a list of milestones, and only that shape has one")
        if self.milestones != sorted(set(self.milestones)) or any(epoch < 1 for epoch in self.milestones):
            raise ValueError(f"milestones are rising epochs from 1, not {self.milestones}")
        if self.decay and self.kind != "adamw":
            raise ValueError(f"decay is a setting of adamw, not of {self.kind}")
        rates = [self.rate] if isinstance(self.rate, float) else list(_values(self.rate))
        if not rates or min(rates) < 0 or max(rates) == 0:
            raise ValueError(f"rate: 0 or more for each part, and more than 0 for one, not {self.rate}")
        return self


def _values(rates: list[float] | dict[str, float]) -> Iterable[float]:
    return rates.values() if isinstance(rates, dict) else rates
