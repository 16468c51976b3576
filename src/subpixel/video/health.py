"""What was wrong with a film, and where in it an earlier run has come to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """What was wrong with a film so far.

    Attributes:
        broken: frames that the decoder could not decode in full, and concealed.
        lost: frames that it could not decode at all; the one before is shown in their place, where there is one.
        resized: frames of another size or sample format than the first, brought to it.
        retimed: frames whose timestamp was missing or not later than the one before.
        woven: frames made of two fields, made whole.
        early: seconds after which the file ends, where it says that it is longer.
    """

    broken: int = 0
    lost: int = 0
    resized: int = 0
    retimed: int = 0
    woven: int = 0
    early: float | None = None

    def notes(self) -> tuple[str, ...]:
        """One line for each."""
        said = []
        if self.broken:
            said.append(f"{frames_text(self.broken)} damaged, concealed by the decoder")
        if self.lost:
            said.append(f"{frames_text(self.lost)} could not be decoded, the one before is repeated")
        if self.resized:
            said.append(f"{frames_text(self.resized)} of another size or sample format than the first, brought to it")
        if self.retimed:
            said.append(f"{frames_text(self.retimed)} without a usable timestamp, spaced by the frame rate")
        if self.woven:
            said.append(f"{frames_text(self.woven)} interlaced: deinterlaced; --deinterlace off leaves the fields")
        if self.early is not None:
            said.append(f"the file is cut off: it ends after {self.early:.2f} s")
        return tuple(said)


def frames_text(count: int) -> str:
    """``1 frame``, ``2 frames``."""
    return f"{count} frame{'' if count == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an earlier run has come to: what shows a decoder that begins in the middle of a film to be right.

    Attributes:
        frames: timestamp and checksum of the last frames before the networks, in order; see `Timed`.
        health: what was wrong up to there.
    """

    frames: tuple[tuple[int, int], ...]
    health: Health
