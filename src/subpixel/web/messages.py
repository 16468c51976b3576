"""What server and worker processes say to each other: one JSON object a line, nothing that could run.

A worker is as trustworthy as the files it decodes: what it says is checked here before anything believes it.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, TypeAdapter

from subpixel.web.api import Kind, Model, Of, Settings, Sides, Values, Worth


class Bounds(Model):
    """How much a task may ask for.

    Attributes:
        pixels: of a source, width × height × frames; of a video: of a frame.
        result_pixels: of a result, the same.
    """

    pixels: int
    result_pixels: int


class Box(Model):
    """A rectangle in pixels."""

    x: int = Field(default=0, ge=0)
    y: int = Field(default=0, ge=0)
    width: int = Field(ge=1)
    height: int = Field(ge=1)


class Look(Model):
    """What a file is, and what would become of it."""

    task: Literal["look"] = "look"
    source: str
    settings: Settings
    bounds: Bounds


class Enlarge(Model):
    """Make a file larger.

    Attributes:
        output: the file to write; its suffix is that of the format.
        room: bytes that its files may have.
        resume: go on with a video that was begun.
    """

    task: Literal["enlarge"] = "enlarge"
    kind: Kind
    source: str
    output: str
    settings: Settings
    bounds: Bounds
    room: int = Field(ge=0)
    resume: bool = False


class View(Model):
    """A part of a job's pictures as PNG.

    Attributes:
        result: file of the result; empty where there is none yet.
        box: in pixels of the source for ``of="source"``, else of the result; None: all of it.
        width: of the answer at most; smaller is reduced.
        most: longest side of the answer.
        seconds: which moment of a video.
        at: the same as a share of its frames, 0–1.
    """

    task: Literal["view"] = "view"
    kind: Kind
    source: str
    result: str
    output: str
    of: Of
    box: Box | None
    width: int | None
    most: int
    seconds: float | None
    at: float | None = None
    bounds: Bounds


class Preview(Model):
    """A part of a source, enlarged as the whole would be.

    Attributes:
        box: in pixels of the source.
    """

    task: Literal["preview"] = "preview"
    kind: Kind | None
    source: str
    output: str
    settings: Settings
    box: Box | None
    most: int
    seconds: float | None
    bounds: Bounds


class Guess(Model):
    """Expected times for a size."""

    task: Literal["guess"] = "guess"
    sides: Sides
    bounds: Bounds


class Measure(Model):
    """How quick one model is on this computer, measured now unless it is known."""

    task: Literal["measure"] = "measure"
    model: str


Task: TypeAlias = Annotated[Look | Enlarge | View | Preview | Guess | Measure, Field(discriminator="task")]


class Work(Model):
    """A task with its number."""

    number: int
    task: Task


class Looked(Model):
    """What a file is.

    Attributes:
        format: of the source.
        result_format: of the result; its suffix is `suffix`.
        seconds: about how long the networks will take.
    """

    said: Literal["looked"] = "looked"
    kind: Kind
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    frames: int = Field(ge=1)
    format: str = Field(pattern=r"^[a-z0-9_-]{1,20}$")
    result_width: int = Field(ge=1)
    result_height: int = Field(ge=1)
    result_format: str = Field(pattern=r"^[a-z0-9]{1,8}$")
    suffix: str = Field(pattern=r"^\.[a-z0-9]{1,5}$")
    seconds: float = Field(ge=0)


class Made(Model):
    """A result was written.

    Attributes:
        scale: factor.
    """

    said: Literal["made"] = "made"
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    models: tuple[str, ...]
    scale: float = 1.0
    seconds: float = Field(ge=0)
    words: str = Field(max_length=1000)
    notes: tuple[str, ...] = ()


class Guessed(Model):
    """Expected times."""

    said: Literal["guessed"] = "guessed"
    width: int
    height: int
    seconds: dict[str, float | None]
    qualities: dict[Worth, float | None]


class Measured(Model):
    """Seconds of one model for a megapixel of result; None where it could not be run."""

    said: Literal["measured"] = "measured"
    model: str
    seconds_per_megapixel: float | None


class Share(Model):
    """How far a task is."""

    said: Literal["share"] = "share"
    share: float = Field(ge=0, le=1)


class Failed(Model):
    """A task that could not be done.

    Attributes:
        slug: what kind of problem, as in `problems`.
        case, values: see `api.Problem`.
    """

    said: Literal["failed"] = "failed"
    slug: str = Field(pattern=r"^[a-z-]{1,40}$")
    detail: str = Field(max_length=2000)
    right: str = Field(default="", max_length=2000)
    case: str = Field(default="", pattern=r"^[a-z-]{0,40}$")
    values: Values = Field(default={})


class Ready(Model):
    """A worker that waits for its first task."""

    said: Literal["ready"] = "ready"


Reply: TypeAlias = Annotated[Looked | Made | Guessed | Measured | Share | Failed | Ready, Field(discriminator="said")]


class Word(Model):
    """A reply with the number of its task."""

    number: int
    reply: Reply


WORK: TypeAdapter[Work] = TypeAdapter(Work)
WORD: TypeAdapter[Word] = TypeAdapter(Word)
