"""How far a run over many pictures is, and how long the rest will take: by bytes, from what was computed so far."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from subpixel.batch.finding import Total
from subpixel.batch.report import Progress, Report

TELL_S: Final = 0.2
"""Seconds between two tellings."""


@dataclass(slots=True)
class Pace:
    """What is through, and when.

    Attributes:
        through: bytes of pictures that are through.
        computed: of these, that had to be made.
    """

    through: int = 0
    computed: int = 0
    _started: float = field(default_factory=time.perf_counter)
    _told: float = 0.0

    def over(self, weight: int, *, made: bool) -> None:
        """A picture of so many bytes is through; `made`: it had to be computed."""
        self.through += weight
        self.computed += weight if made else 0

    def due(self, *, now: bool = False) -> bool:
        """Whether it is time to tell, a few times a second or `now`; the next time counts from here."""
        clock = time.perf_counter()
        if clock - self._told < TELL_S and not now:
            return False
        self._told = clock
        return True

    def progress(self, report: Report, total: Total | None, parts: float, current: Path | None) -> Progress:
        """How far everything is.

        Args:
            report: what became of pictures so far.
            total: how many there are, where somebody counts.
            parts: bytes of pictures in work, as far as these are.
            current: a picture that is in work.
        """
        known = total if total is not None and total.known else None
        everything = known.bytes if known else 0
        share = min(1.0, (self.through + parts) / everything) if everything else 0.0
        speed = (self.computed + parts) / max(1e-3, time.perf_counter() - self._started)
        left = (1 - share) * everything / speed if everything and speed else None
        return Progress(report.pictures, known.pictures if known else None, share, left, current)
