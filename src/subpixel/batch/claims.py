"""Which picture writes to which file."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from subpixel.batch.naming import Job
from subpixel.errors import OutputUnwritable

if TYPE_CHECKING:
    import sqlite3


class Claims:
    """Who writes to which file, so that two pictures never share one. Kept on the disk when there are many."""

    @cached_property
    def _data(self) -> sqlite3.Connection:
        import sqlite3

        data = sqlite3.connect("", isolation_level=None)
        data.execute("PRAGMA journal_mode = OFF")
        data.execute("CREATE TABLE claims (target TEXT PRIMARY KEY, source TEXT NOT NULL) WITHOUT ROWID")
        return data

    def claim(self, job: Job) -> OutputUnwritable | None:
        """Claim the results of a picture; the error where another one has claimed one of them before."""
        source = repr(str(job.source))  # names may hold what is no text
        for target in job.targets:
            name = repr(str(target))
            self._data.execute("INSERT OR IGNORE INTO claims VALUES (?, ?)", (name, source))
            (owner,) = self._data.execute("SELECT source FROM claims WHERE target = ?", (name,)).fetchone()
            if owner != source:
                return OutputUnwritable(
                    f"{job.source} and {owner[1:-1]} would both be written to {target}",
                    "give them different names, or upscale them one by one",
                )
        return None
