"""What became of a folder: counted, failures with their reasons, as JSON for programs and as a table for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from subpixel.errors import PictureMissing, SubpixelError
from subpixel.image.targets import partial, unwritable
from subpixel.results import FileResult

REPORT: Final = "report"
"""Name of the reports among what is kept beside the results, without their suffixes."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A picture, or a folder of pictures, that failed.

    Attributes:
        source: the input.
        error: why.
    """

    source: Path
    error: SubpixelError


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a folder is.

    Attributes:
        done: pictures that are through: made, finished before, or failed.
        total: pictures in all; None while they are being counted, and where new ones may arrive.
        share: 0–1, by the bytes of their files; parts of pictures in work count.
        left: seconds that are probably left; None where it is not known.
        current: a picture that is in work; None where there is none.
    """

    done: int
    total: int | None
    share: float
    left: float | None
    current: Path | None


Tell: TypeAlias = Callable[[Progress], None]
"""Told of progress a few times a second, from the calling thread."""
Made: TypeAlias = Callable[[Sequence[FileResult]], None]
"""Told of each picture's results, from the calling thread."""
Failed: TypeAlias = Callable[[Failure], None]
"""Told of each failure, from the calling thread."""


@dataclass(slots=True)
class Report:
    """What became of a folder.

    Attributes:
        output: the folder of results.
        made: pictures that were made larger in this run.
        anew: of these, how many had a result before, of a changed input or of other settings.
        unchanged: pictures whose results were there already.
        failed: what failed.
        notes: one line for each thing that a person should know of the whole.
        megapixels: of all results of this run.
        seconds: wall time.
        network_seconds: work inside networks, summed over threads.
        table: the file with the failures for people, where there is one.
    """

    output: Path
    made: int = 0
    anew: int = 0
    unchanged: int = 0
    failed: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    megapixels: float = 0.0
    seconds: float = 0.0
    network_seconds: float = 0.0
    table: Path | None = None

    def add(self, results: Sequence[FileResult], *, anew: bool) -> None:
        """Count the results of a picture; `anew`: it had some before."""
        self.made += 1
        self.anew += anew
        self.megapixels += sum(result.after.pixels for result in results) / 1e6
        self.network_seconds += sum(result.timings.network for result in results)

    def fail(self, source: Path, error: SubpixelError) -> Failure:
        """Note a failure."""
        # Tracebacks hold everything that was at hand, pictures too, and failures are kept until the end.
        error.__traceback__ = error.__cause__ = error.__context__ = None
        failure = Failure(source, error)
        self.failed.append(failure)
        return failure

    @property
    def pictures(self) -> int:
        """All that were looked at."""
        return self.made + self.unchanged + len(self.failed)

    @property
    def line(self) -> str:
        """``180 made, 20 there already, 3 of 203 failed``."""
        anew = f" ({self.anew} of them anew)" if self.anew else ""
        parts = [f"{self.made} made{anew}"]
        if self.unchanged:
            parts.append(f"{self.unchanged} there already")
        if self.failed:
            parts.append(f"{len(self.failed)} of {self.pictures} failed")
        return ", ".join(parts)

    def as_json(self) -> str:
        """For programs."""
        row = {
            "output": str(self.output),
            "pictures": self.pictures,
            "made": self.made,
            "anew": self.anew,
            "unchanged": self.unchanged,
            "failed": [
                {
                    "input": str(one.source),
                    "kind": type(one.error).__name__,
                    "error": one.error.what,
                    "hint": one.error.hint,
                }
                for one in self.failed
            ],
            "notes": self.notes,
            "megapixels": round(self.megapixels, 3),
            "seconds": round(self.seconds, 3),
        }
        return json.dumps(row, indent=1) + "\n"

    def as_table(self) -> str:
        """For people: a line of numbers, then one for each failure, by what is wrong."""
        lines = [f"{self.output}: {self.line}", *(f"note: {note}" for note in self.notes)]
        kinds: dict[str, list[Failure]] = {}
        for one in self.failed:
            kinds.setdefault(type(one.error).__name__, []).append(one)
        for kind, failures in sorted(kinds.items()):
            meaning = (type(failures[0].error).__doc__ or kind).partition("\n")[0]
            lines += ["", f"{kind} ({len(failures)}): {meaning}"]
            width = min(60, max(len(str(one.source)) for one in failures))
            for one in failures:
                lines.append(f"  {one.source!s:{width}}  {_without(one)}")
        return "".join(f"{line}\n".encode("utf-8", "replace").decode() for line in lines)

    def write(self, path: Path) -> None:
        """Write it to a file: a table where its suffix is .txt, else JSON.

        Raises:
            OutputUnwritable: it cannot be written.
        """
        text = self.as_table() if path.suffix.lower() == ".txt" else self.as_json()
        try:
            with partial(path) as made:
                made.file.write(text.encode("utf-8"))
                made.file.close()
                made.path.replace(path)
        except OSError as error:
            raise unwritable(path, error) from error

    def keep(self, kept: Path) -> None:
        """Write both beside the results where something failed; else remove those of an earlier run.

        Raises:
            OutputUnwritable: they cannot be written.
        """
        paths = [kept / f"{REPORT}.json", kept / f"{REPORT}.txt"]
        some = not all(isinstance(one.error, PictureMissing) for one in self.failed)  # no pictures: nothing to keep
        for path in paths:
            if some:
                self.write(path)
            else:
                path.unlink(missing_ok=True)
        self.table = paths[1] if some else None


def _without(one: Failure) -> str:
    """What is wrong, without the name that stands before it."""
    name = str(one.source)
    what = one.error.what.removeprefix(name).lstrip(" :") or one.error.what
    return f"{what}: {one.error.hint}" if one.error.hint else what
