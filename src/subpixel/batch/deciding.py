"""Whether a picture has to be made larger, or is finished since an earlier run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from subpixel.batch.journal import Journal, Row, State, digest
from subpixel.batch.naming import Job
from subpixel.errors import OutputExists


class Why(Enum):
    """Why a picture is made, or not."""

    FINISHED = auto()
    NEW = auto()
    CHANGED = auto()
    SETTINGS = auto()
    OVERWRITE = auto()


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with a picture.

    Attributes:
        why: why.
        overwrite: results that are there may be replaced: they were made from an earlier state of it, or it was asked.
    """

    why: Why
    overwrite: bool = False

    @property
    def anew(self) -> bool:
        """Whether there was a result before."""
        return self.why in (Why.CHANGED, Why.SETTINGS)


def decide(job: Job, journal: Journal, overwrite: bool) -> Decision:
    """What to do with a picture.

    Results that somebody else changed are left as they are while nothing has to be made anew.

    Args:
        job: the picture.
        journal: what was made before.
        overwrite: results that exist may be replaced.

    Raises:
        OutputExists: a result is to be made anew, and what is there was made by somebody else, or from another picture.
    """
    rows = [journal.row(target) for target in job.targets]
    known = [row for row in rows if row is not None]
    if not known:
        return Decision(Why.OVERWRITE if overwrite else Why.NEW, overwrite)
    state = State.of(job.source)
    if state is None:  # gone meanwhile: reading it will tell
        return Decision(Why.NEW, overwrite)
    there = [State.of(target) for target in job.targets]
    same = all(_same_input(job.source, state, row) for row in known)
    whole = all(row and state and not row.is_stale(state) for row, state in zip(rows, there, strict=True))
    if same and whole and all(map(journal.is_current, known)):
        for target, row in zip(job.targets, known, strict=True):
            if (row.input, row.source) != (state, job.source.absolute()):
                journal.touch(target, job.source, state)
        return Decision(Why.FINISHED)
    if overwrite:
        return Decision(Why.OVERWRITE, True)
    _check_ours(job, rows, there)
    if None in there or len(known) < len(rows):
        return Decision(Why.NEW, True)
    return Decision(Why.SETTINGS if same else Why.CHANGED, True)


def _same_input(source: Path, state: State, row: Row) -> bool:
    """Whether a result was made from a file like this; of one with another time, or elsewhere, the bytes decide."""
    if state.size != row.input.size:
        return False
    if state == row.input and source.absolute() == row.source:
        return True
    try:
        return digest(source) == row.hash
    except OSError:
        return False


def _check_ours(job: Job, rows: list[Row | None], there: list[State | None]) -> None:
    """Raise OutputExists where a result that is there is not ours to replace."""
    for target, row, state in zip(job.targets, rows, there, strict=True):
        if state is None:
            continue
        if row is None:
            raise OutputExists(f"{target} exists", "use --overwrite to replace it, or -o for another name")
        if not row.wrote(state):
            raise OutputExists(
                f"{target} was changed by somebody else since it was made, and would be made anew",
                "use --overwrite to replace it, or move it away",
            )
        if row.source != job.source.absolute() and State.of(row.source) is not None:
            raise OutputExists(
                f"{target} was made from {row.source}",
                "use --overwrite to replace it, or -o for another folder",
            )
