"""What travels over HTTP: every body of a request and of an answer, as models.

Sizes are in pixels, times in seconds unless they are named otherwise, moments in UTC.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from subpixel.errors import SettingError, SubpixelError
from subpixel.plan.target import MAX_FACTOR, Target, parse_size

State: TypeAlias = Literal["queued", "running", "done", "failed", "cancelled"]
Kind: TypeAlias = Literal["picture", "video"]
Restore: TypeAlias = Literal["auto", "clean", "restore"]
Worth: TypeAlias = Literal["fast", "balanced", "best"]
Values: TypeAlias = dict[str, str | int | float]
"""Figures and names of a problem. Names that end in _bytes and _pixels, and seconds, tell their unit."""
Of: TypeAlias = Literal["source", "result", "bicubic", "difference"]

PICTURE_FORMATS: Final = ("png", "jpeg", "webp", "avif", "tiff", "gif", "bmp", "ppm")
VIDEO_FORMATS: Final = ("mp4", "mov", "mkv", "webm")
SAME: Final = "same"
FINAL: Final[tuple[State, ...]] = ("done", "failed", "cancelled")
"""States that a job does not leave."""

_DEFAULT_SCALE: Final = 4.0
_SIDE: Final = 1_000_000


class Model(BaseModel):
    """Base of all: unknown fields are refused, values are fixed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Problem(Model):
    """RFC 9457 problem details. `right` says what would be right."""

    type: str = Field(description="urn:subpixel:problem:SLUG; the slug is stable.")
    title: str
    status: int
    detail: str = Field(description="What is wrong, with the value.")
    right: str = Field(default="", description="What would be right, or what to do next.")
    case: str = Field(
        default="", description="Which of several problems of this type; stable, empty where there is one."
    )
    values: Values = Field(default={}, description="What detail names, for saying it in other words.")


class JobProblem(Model):
    """Why a job failed."""

    type: str
    title: str
    detail: str
    right: str = ""
    case: str = ""
    values: Values = Field(default={})


class Settings(Model):
    """How a picture or video is to be made larger."""

    scale: float | None = Field(
        default=None, gt=0, le=MAX_FACTOR, description="Factor, up to 16. Default 4 where no size is given."
    )
    size: str | None = Field(
        default=None, max_length=24, pattern=r"^[1-9]\d{0,5}x[1-9]\d{0,5}$", description="Fit inside, as 1920x1080."
    )
    model: str | None = Field(
        default=None, max_length=80, pattern=r"^[A-Za-z0-9._-]+$", description="A model or family of /v1/models."
    )
    quality: Worth | None = Field(default=None, description="What a better picture is worth. Default balanced.")
    restore: Restore = Field(
        default="auto", description="Remove what JPEG and the like left: as the picture needs, never, or always."
    )
    format: str = Field(
        default=SAME, max_length=8, pattern=r"^[a-z0-9]+$", description="Format of the result, same: the source's."
    )

    @field_validator("size")
    @classmethod
    def _sides(cls, size: str | None) -> str | None:
        if size is not None:
            width, height = parse_size(size)
            if not (0 < width <= _SIDE and 0 < height <= _SIDE):
                raise ValueError(f"the size is {size}: give sides of 1 to {_SIDE} pixels, as 1920x1080")
        return size

    @field_validator("format")
    @classmethod
    def _known(cls, name: str) -> str:
        name = {"jpg": "jpeg", "tif": "tiff"}.get(name, name)
        if name not in (SAME, *PICTURE_FORMATS, *VIDEO_FORMATS):
            raise ValueError(
                f"the format is {name}: give {SAME}, {', '.join(PICTURE_FORMATS)}, "
                f"or for videos {', '.join(VIDEO_FORMATS)}"
            )
        return name

    @model_validator(mode="after")
    def _one_each(self) -> Settings:
        if self.scale is not None and self.size is not None:
            raise ValueError("both scale and size were given: give one of them")
        if self.model is not None and self.quality is not None:
            raise ValueError("both model and quality were given: the quality chooses the model, give one of them")
        return self

    @property
    def target(self) -> Target:
        """Factor or size."""
        if self.size is None:
            return Target(_DEFAULT_SCALE if self.scale is None else self.scale)
        width, height = parse_size(self.size)
        return Target(width=width, height=height)

    @property
    def restoring(self) -> bool | None:
        """As `Upscaler` takes it."""
        return {"auto": None, "clean": False, "restore": True}[self.restore]


class Result(Model):
    """What was made."""

    width: int
    height: int
    bytes: int
    format: str
    model: str = Field(description="Names of the networks, in order; resampling where there were none.")
    scale: float
    seconds: float = Field(description="Wall time of the work.")
    words: str = Field(description="What was done, in one line.")
    notes: tuple[str, ...] = Field(default=(), description="What is not as in the source.")


class Links(Model):
    """Where more is."""

    self: str
    events: str
    source: str
    result: str
    view: str


class Job(Model):
    """One upload on its way."""

    id: str = Field(description="128 random bits, hexadecimal: whoever knows it may fetch the result.")
    name: str = Field(description="Name of the uploaded file, for showing only.")
    state: State
    progress: float = Field(ge=0, le=1)
    seconds_left: float | None = None
    position: int | None = Field(default=None, description="Place in the queue, from 1; null where it does not wait.")
    kind: Kind
    width: int
    height: int
    frames: int = 1
    format: str = Field(description="Of the source.")
    bytes: int = Field(description="Of the source.")
    settings: Settings
    result: Result | None = None
    problem: JobProblem | None = None
    created: datetime
    started: datetime | None = None
    finished: datetime | None = None
    expires: datetime | None = Field(default=None, description="When job and files are removed.")
    links: Links

    @property
    def over(self) -> bool:
        """True where nothing more will happen."""
        return self.state in FINAL


class Jobs(Model):
    """Jobs of a client, newest first."""

    jobs: tuple[Job, ...]


class Removed(Model):
    """A job that is there no more."""

    id: str


class ModelCard(Model):
    """One model, or family, to choose."""

    name: str
    title: str
    summary: str
    family: str
    scales: tuple[int, ...]
    kind: Literal["luma", "rgb"]
    restore: bool = Field(description="True where it was trained on squeezed pictures.")
    default: bool = Field(description="True where some quality takes it.")
    qualities: tuple[Worth, ...] = Field(description="Qualities that take it.")
    licence: str
    seconds_per_megapixel: float | None = Field(
        default=None, description="Of result, as measured on this computer; null where it was not measured yet."
    )


class LimitsShown(Model):
    """What is taken at most."""

    upload_bytes: int
    pixels: int = Field(description="Of an upload.")
    result_pixels: int = Field(description="Of a result.")
    now_pixels: int = Field(description="Of a result of POST /v1/upscale.")
    queue: int
    jobs_per_client: int
    keep_hours: float


class Models(Model):
    """What there is to choose from."""

    models: tuple[ModelCard, ...]
    qualities: tuple[Worth, ...]
    formats: tuple[str, ...]
    video_formats: tuple[str, ...]
    factors: tuple[int, ...]
    limits: LimitsShown
    version: str
    video: bool


class Sides(Model):
    """A picture whose time is asked for."""

    width: int = Field(ge=1, le=_SIDE)
    height: int = Field(ge=1, le=_SIDE)
    frames: int = Field(default=1, ge=1, le=10_000_000)
    scale: float | None = Field(default=None, gt=0, le=MAX_FACTOR)
    size: str | None = Field(default=None, max_length=24, pattern=r"^[1-9]\d{0,5}x[1-9]\d{0,5}$")

    @model_validator(mode="after")
    def _fits(self) -> Sides:
        Settings(scale=self.scale, size=self.size)
        return self

    @property
    def settings(self) -> Settings:
        """The same as settings."""
        return Settings(scale=self.scale, size=self.size)


class Estimate(Model):
    """Expected time."""

    width: int = Field(description="Of the result.")
    height: int
    seconds: dict[str, float | None] = Field(description="By model; null where it was not measured yet.")
    qualities: dict[Worth, float | None]


class Health(Model):
    """Whether the server works."""

    status: Literal["ok"]
    version: str
    queued: int
    running: int
    workers: int = Field(description="Worker processes that are there.")


class Session(Model):
    """A cookie was set, for addresses that a browser opens itself (downloads, videos)."""

    seconds: int


JobId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


def told(error: SubpixelError) -> str:
    """An error of the rooms below as one line."""
    return f"{error.what}: {error.hint}" if isinstance(error, SettingError) and error.hint else error.what
