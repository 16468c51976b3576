"""Every error a person can meet, each in one line: what is wrong, the value, what would be right, the next step.

SubpixelError
├── SettingError            an option or argument that cannot be right (factor 0, unknown format, …)
├── PictureError            a picture or video that cannot be read
│   ├── PictureMissing      nothing at that path
│   ├── PictureUnreadable   empty, truncated, or not a picture at all
│   ├── PictureUnsupported  a picture, but of a kind not handled here
│   └── PictureTooLarge     more pixels than the limit
├── OutputError             a result that cannot be written
│   ├── OutputExists        the target exists and overwriting was not asked for
│   └── OutputUnwritable    no permission, no such folder, or the format cannot hold the size
│       └── DiskFull        no room is left
├── ModelError
│   ├── ModelUnknown        no model of that name (nearest names are offered)
│   └── ModelDamaged        card or weights missing, malformed, or not matching their hash
├── EngineError             an engine that is not installed or fails to run a network
├── TrainingError           a recipe, checkpoint or data set that cannot be used
├── ClusterError            other computers that cannot be reached, or do not fit to this one
└── Cancelled               work on a folder or a video that was asked to stop
"""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "Cancelled",
    "ClusterError",
    "DiskFull",
    "EngineError",
    "ModelDamaged",
    "ModelError",
    "ModelUnknown",
    "OutputError",
    "OutputExists",
    "OutputUnwritable",
    "PictureError",
    "PictureMissing",
    "PictureTooLarge",
    "PictureUnreadable",
    "PictureUnsupported",
    "SettingError",
    "SubpixelError",
    "TrainingError",
]


def _one_line(text: str) -> str:
    """Text that any terminal can show: file names may hold line breaks, escape sequences and bytes that are no text."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in " ".join(text.split()))


class SubpixelError(Exception):
    """Base of every error raised on purpose. `str(error)` is one line for a person.

    Args:
        what: what is wrong, with the value, e.g. ``"scale is 0"``.
        hint: what would be right, or the next command, e.g. ``"give a factor above 0 and up to 16, as --scale 2"``.
    """

    exit_code = 1

    def __init__(self, what: str, hint: str = "") -> None:
        self.what = _one_line(what)
        self.hint = _one_line(hint)
        super().__init__(f"{self.what}: {self.hint}" if self.hint else self.what)


class SettingError(SubpixelError):
    """An option or argument that cannot be right."""

    exit_code = 2


class PictureError(SubpixelError):
    """A picture or video that cannot be read."""

    exit_code = 3


class PictureMissing(PictureError):
    """Nothing at that path, or a folder without pictures."""


class PictureUnreadable(PictureError):
    """Empty, truncated, or not a picture at all."""


class PictureUnsupported(PictureError):
    """A picture of a kind that is not handled here."""


class PictureTooLarge(PictureError):
    """More pixels than the limit; the limit can be raised."""


class OutputError(SubpixelError):
    """A result that cannot be written."""

    exit_code = 4


class OutputExists(OutputError):
    """The target exists, and overwriting was not asked for."""


class OutputUnwritable(OutputError):
    """No permission, no such folder, or a size that the format cannot hold."""


class DiskFull(OutputUnwritable):
    """No room is left, or the quota is used up."""


class ModelError(SubpixelError):
    """A model that cannot be used."""

    exit_code = 5


class ModelUnknown(ModelError):
    """No model of that name; the nearest names are in the hint."""


class ModelDamaged(ModelError):
    """Card or weights missing, malformed, or not matching their hash."""


class EngineError(SubpixelError):
    """An engine that is not installed, or that fails to run a network."""

    exit_code = 6


class TrainingError(SubpixelError):
    """A recipe, checkpoint or data set that cannot be used."""

    exit_code = 7


class ClusterError(SubpixelError):
    """Other computers that cannot be reached, or that have another version."""

    exit_code = 8


class Cancelled(SubpixelError):
    """Work on a folder or a video that was asked to stop; what is finished is kept, and the same call goes on."""

    exit_code = 130


def names_like(missing: Path) -> str:
    """A hint for `PictureMissing`: the file beside it whose name is nearest."""
    from difflib import get_close_matches

    try:
        names = [entry.name for entry in missing.parent.iterdir()]
    except OSError:
        return f"there is no folder {missing.parent}"
    if missing.name in names:
        return "it is a link to a file that is not there"
    near = get_close_matches(missing.name, names, 1, 0.6)
    return f"did you mean {missing.with_name(near[0])}?" if near else "check the name"
