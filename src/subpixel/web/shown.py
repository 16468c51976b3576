"""Jobs as clients see them: what is kept, with how far it is."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final

from subpixel.web.api import Job, Links
from subpixel.web.store import Row, moment

_SURE: Final = 0.02
"""Share from which the time that is left follows from the time that went by."""


@dataclass
class Shares:
    """How far the jobs under work are. In memory alone: a job that is begun again starts from nothing."""

    _shares: dict[str, float] = field(default_factory=dict)
    _begun: dict[str, float] = field(default_factory=dict)

    def begin(self, job: str) -> None:
        """A job is taken up."""
        self._shares[job], self._begun[job] = 0.0, time.monotonic()

    def put(self, job: str, share: float) -> None:
        """It is so far."""
        if job in self._shares:
            self._shares[job] = max(share, self._shares[job])

    def end(self, job: str) -> None:
        """It is over."""
        self._shares.pop(job, None)
        self._begun.pop(job, None)

    def share(self, job: str) -> float:
        """How far it is, 0–1."""
        return self._shares.get(job, 0.0)

    def left(self, job: str, expected: float) -> float | None:
        """Seconds that are probably left; None where it is not under work."""
        if job not in self._begun:
            return None
        spent, share = time.monotonic() - self._begun[job], self._shares[job]
        whole = spent / share if share >= _SURE else max(expected, spent)
        return round(max(0.0, whole - spent), 2)


def job_of(row: Row, shares: Shares, position: int | None, keep_seconds: float) -> Job:
    """A job as clients see it.

    Args:
        row: what is kept of it.
        shares: how far jobs are.
        position: its place in the queue.
        keep_seconds: how long it is kept when it is over.
    """
    running = row.state == "running"
    here = f"/v1/jobs/{row.id}"
    return Job(
        id=row.id,
        name=row.name,
        state=row.state,
        progress=1.0 if row.state == "done" else round(shares.share(row.id), 4) if running else 0.0,
        seconds_left=shares.left(row.id, row.expected) if running else None,
        position=position if row.state == "queued" else None,
        kind=row.kind,
        width=row.width,
        height=row.height,
        frames=row.frames,
        format=row.format,
        bytes=row.bytes,
        settings=row.settings,
        result=row.result,
        problem=row.problem,
        created=moment(row.created),
        started=None if row.started is None else moment(row.started),
        finished=None if row.finished is None else moment(row.finished),
        expires=None if row.finished is None else moment(row.finished + keep_seconds),
        links=Links(
            self=here,
            events=f"{here}/events",
            source=f"{here}/source",
            result=f"{here}/result",
            view=f"{here}/view",
        ),
    )
