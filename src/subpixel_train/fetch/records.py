"""`fetched.json` beside the fetched files: what came from where, with which digest."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from subpixel.errors import TrainingError
from subpixel_train.files import replace

RECORD: Final = "fetched.json"


class Seen(BaseModel):
    """One file as it came."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str = Field(description="where it came from")
    size: int = Field(description="bytes")
    sha256: str = Field(description="of the whole file")
    at: str = Field(description="date and time, UTC")


class Records(BaseModel):
    """What was fetched into a folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: dict[str, Seen] = Field(default={}, description="by the file's name in the catalogue")


def read(folder: Path) -> Records:
    """The records of a folder; none where there is no file.

    Raises:
        TrainingError: the file is damaged. It is not ignored: it says which contents may be trusted.
    """
    path = folder / RECORD
    try:
        return Records.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Records()
    except ValidationError as error:
        first = error.errors()[0]
        raise TrainingError(f"{path} is damaged ({first['msg']})", "repair it, or delete it to trust anew") from None


def add(folder: Path, file: str, address: str, size: int, sha256: str) -> None:
    """Record a file, replacing what was recorded of it."""
    seen = Seen(address=address, size=size, sha256=sha256, at=datetime.now(UTC).isoformat(timespec="seconds"))
    files = {**read(folder).files, file: seen}
    content = {"files": {name: files[name].model_dump() for name in sorted(files)}}
    replace(folder / RECORD, (json.dumps(content, indent=2) + "\n").encode())
