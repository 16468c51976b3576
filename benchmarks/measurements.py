"""What was measured, kept in a file: slices of a long measurement add to it, tables and pictures are made from it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from scoring import PUBLISHED, Quality
from timing import Times

from subpixel.errors import SettingError


@dataclass(slots=True)
class Measurements:
    """Times and scores.

    Attributes:
        machine: class of computer that the times are from.
        command: that measured the times last.
        times: one entry per system and factor.
        quality: one entry per system, factor, set and kind of small pictures.
    """

    machine: str = ""
    command: str = ""
    times: list[Times] = field(default_factory=list)
    quality: list[Quality] = field(default_factory=list)

    def add_times(self, times: Iterable[Times]) -> None:
        """Put new times in place of older ones of the same systems."""
        merged = {(one.system, one.scale): one for one in self.times}
        merged.update({(one.system, one.scale): one for one in times})
        self.times = list(merged.values())

    def add_quality(self, score: Quality) -> None:
        """Put a score in place of the one of older weights."""
        own = (score.system, score.scale, score.small, score.pictures)
        self.quality = [one for one in self.quality if (one.system, one.scale, one.small, one.pictures) != own]
        self.quality.append(score)

    def known(self) -> set[tuple[str, int, str, str, str]]:
        """What has been scored; see `scoring.measure_quality`."""
        return {(one.system, one.scale, one.digest, one.small, one.pictures) for one in self.quality}

    def time(self, system: str, scale: int) -> Times | None:
        """Times of a system."""
        return next((one for one in self.times if (one.system, one.scale) == (system, scale)), None)

    def score(self, system: str, scale: int, pictures: str, small: str = PUBLISHED) -> Quality | None:
        """Quality of a system on a set."""
        wanted = (system, scale, pictures, small)
        return next((one for one in self.quality if (one.system, one.scale, one.pictures, one.small) == wanted), None)

    def write(self, path: Path) -> None:
        """Write to a file, whole or not at all; one line per entry, so that changes can be read."""
        partial = path.with_suffix(".partial")
        lines = ["{", f' "machine": {json.dumps(self.machine)},', f' "command": {json.dumps(self.command)},']
        for name, entries, end in (("times", self.times, ","), ("quality", self.quality, "")):
            ordered = sorted(entries, key=lambda one: (one.scale, one.system, getattr(one, "pictures", "")))
            rows = ",\n".join(f"  {json.dumps(asdict(one), ensure_ascii=False)}" for one in ordered)
            lines.append(f' "{name}": [\n{rows}\n ]{end}')
        partial.write_text("\n".join(lines) + "\n}\n", encoding="utf-8")
        partial.replace(path)

    @classmethod
    def read(cls, path: Path) -> Measurements:
        """Read what `write` wrote; nothing where there is no file.

        Raises:
            SettingError: the file is something else.
        """
        if not path.exists():
            return cls()
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            times = [Times(**row) for row in raw["times"]]
            quality = [Quality(**row) for row in raw["quality"]]
            return cls(raw["machine"], raw["command"], times, quality)
        except (ValueError, KeyError, TypeError) as error:
            raise SettingError(
                f"{path} does not hold measurements: {error}", "remove it, or give another --json"
            ) from error
