"""Settings of the training data: `data` in a recipe."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class DataSettings(BaseModel):
    """What a network learns from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folders: list[str] = Field(min_length=1, description="folders of photographs, relative to --data")
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
    flat: float = Field(default=0.0, ge=0, le=0.5, description="chance of a crop of one level: white has to stay white")
    held_out: int = Field(default=20, ge=0, description="photographs kept for validation, never trained with")
    held_out_from: Literal["spread", "first"] = Field(
        default="spread", description="which are kept: evenly spread over all, or the first by name"
    )
    test: str | None = Field(
        default=None,
        description="benchmark folder (HR/xR, LR/xR) whose PSNR is logged after every epoch; never used to choose",
    )
