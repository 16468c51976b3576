"""Settings of the training data: `data` in a recipe."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from subpixel_train.data.degrade import Degradation, Pipeline
from subpixel_train.data.variation import Variation


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PairSettings(_Settings):
    """Two folders (or packs) with pictures of the same names."""

    small: str = Field(description="folder of small pictures, relative to --data")
    large: str = Field(description="folder of the same pictures, as many times larger as the network makes them")


class FlatnessSettings(_Settings):
    """Crops with less detail than a threshold are drawn again; the threshold may grow, as in ISR.

    Detail is what ISR measures: the standard deviation along the columns of the small crop, or along its rows, in the
    mean over the crop, whichever is larger; values in 0–1.
    """

    start: float = Field(default=0.0, ge=0, lt=0.5, description="threshold in the first epoch")
    grow: float = Field(default=0.0, ge=0, lt=0.5, description="how much it grows each time")
    every: int = Field(default=1, ge=1, description="epochs after which it grows")
    max: float = Field(default=0.15, ge=0, lt=0.5, description="where it stops growing")

    def threshold(self, epoch: int) -> float:
        """The threshold of an epoch, counted from 0."""
        return max(self.start, min(self.max, self.start + epoch // self.every * self.grow))


class DataSettings(_Settings):
    """What a network learns from."""

    folders: list[str] = Field(
        default=[], description="folders of photographs, or packs made of them, relative to --data"
    )
    pairs: list[PairSettings] = Field(
        default=[],
        description="pairs of folders, each {small: …, large: …}, whose small pictures are given, not made by reducing",
    )
    drawings: int = Field(
        default=0,
        ge=0,
        description="drawings to learn from beside the photographs: writing, lines and shapes, 480 pixels square, made "
        "by the program itself",
    )
    mode: Literal["crops", "tiles", "centre", "square"] = Field(
        default="crops",
        description="random crops; a grid of sub-images (SRCNN's way); one central crop per picture (ESPCN's way); "
        "or each whole picture squashed to a square (the two-output study's way)",
    )
    crop: int = Field(
        default=64,
        ge=8,
        description="side of a crop, in pixels of the network's input; of the photograph in mode centre",
    )
    stride: int = Field(
        default=14, ge=1, description="distance of the grid in mode tiles, in pixels of the network's input"
    )
    batch: int = Field(default=8, ge=1, description="crops in a batch")
    epoch_steps: int = Field(default=1000, ge=1, description="batches that count as an epoch in mode crops")
    sizes: list[float] = Field(
        default=[1.0],
        min_length=1,
        description="sizes at which each photograph is used; reduced ones have more detail and no JPEG blocks",
    )
    vary: Variation | None = Field(
        default=None,
        description="crops at any size, with other tones and colours, so that no crop comes twice, in place of sizes",
    )
    flat: float = Field(default=0.0, ge=0, le=0.5, description="chance of a crop of one level: white has to stay white")
    flatness: Annotated[float, Field(ge=0, lt=0.5)] | FlatnessSettings = Field(
        default=0.0, description="crops with less detail than this (0–1) are drawn again; may grow; 0: all are taken"
    )
    degrade: list[Degradation] = Field(
        default=[], description="how small pictures are made, step by step; none: clean, by bicubic reduction alone"
    )
    degrade_rounds: int = Field(
        default=1, ge=1, le=4, description="how often the steps are gone through; 2 is Real-ESRGAN's second order"
    )
    degrade_shuffled: bool = Field(default=False, description="draw the order of the steps anew each time (BSRGAN)")
    held_out: int = Field(default=20, ge=0, description="photographs kept for validation, never trained with")
    held_out_from: Literal["spread", "first"] = Field(
        default="spread", description="which are kept: evenly spread over all, or the first by name"
    )
    test: str | None = Field(
        default=None,
        description="benchmark folder (HR/xR, LR/xR) whose PSNR is logged after every epoch; never used to choose",
    )

    def pipeline(self) -> Pipeline | None:
        """What makes small pictures; None where they are clean."""
        if not self.degrade:
            return None
        return Pipeline(tuple(self.degrade), self.degrade_rounds, self.degrade_shuffled)

    def threshold(self, epoch: int) -> float:
        """Detail that a crop needs in an epoch, counted from 0."""
        return self.flatness if isinstance(self.flatness, float) else self.flatness.threshold(epoch)

    @model_validator(mode="after")
    def _agrees(self) -> DataSettings:
        if not self.folders and not self.pairs:
            raise ValueError("no pictures: name folders of photographs, as folders=[photos]")
        if self.pairs:
            for given, what in (
                (bool(self.degrade), "degrade makes small pictures"),
                (self.sizes != [1.0], "sizes makes photographs of other sizes"),
                (self.mode == "square", "mode square squashes photographs"),
            ):
                if given:
                    raise ValueError(f"{what}, but pairs bring their small pictures with them: use folders")
        if self.vary:
            for given, what in (
                (bool(self.pairs), "data.pairs"),
                (self.sizes != [1.0], "data.sizes"),
                (self.mode != "crops", f"mode {self.mode}"),
            ):
                if given:
                    raise ValueError(f"vary does not go with {what}")
        if self.flatness != 0 and self.mode != "crops":
            raise ValueError(f"flatness is for mode crops, not {self.mode}: there every piece has its turn")
        return self
