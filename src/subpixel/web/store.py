"""Jobs in SQLite, in WAL mode: what was accepted is on the disk before the client hears so.

One connection, one thread at a time: every call takes microseconds, those that write wait for the disk, so the server
calls them in a thread.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from subpixel.web.api import JobProblem, Kind, Result, Settings, State

_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,      -- who may list it
    peer TEXT NOT NULL,       -- address it came from
    name TEXT NOT NULL,       -- for showing only
    state TEXT NOT NULL,
    kind TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    frames INTEGER NOT NULL,
    format TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    settings TEXT NOT NULL,   -- JSON of api.Settings
    suffix TEXT NOT NULL,     -- of the result's file
    expected REAL NOT NULL,   -- seconds
    attempts INTEGER NOT NULL DEFAULT 0,
    result TEXT,              -- JSON of api.Result
    problem TEXT,             -- JSON of api.JobProblem
    created REAL NOT NULL,
    started REAL,
    finished REAL
) STRICT;
CREATE INDEX jobs_by_state ON jobs (state, created);
CREATE INDEX jobs_by_owner ON jobs (owner, created);
"""


class Full(Exception):
    """There is no room for another job.

    Attributes:
        of: whose room: that of the whole queue, or of one client.
        many: jobs that there are.
    """

    def __init__(self, of: Literal["queue", "client"], many: int) -> None:
        self.of, self.many = of, many
        super().__init__(f"{many} jobs of the {of}")


@dataclass(frozen=True, slots=True)
class Row:
    """A job as it is kept; see the comments of the schema. Moments are seconds since 1970."""

    id: str
    owner: str
    peer: str
    name: str
    state: State
    kind: Kind
    width: int
    height: int
    frames: int
    format: str
    bytes: int
    settings: Settings
    suffix: str
    expected: float
    created: float
    attempts: int = 0
    result: Result | None = None
    problem: JobProblem | None = None
    started: float | None = None
    finished: float | None = None


def moment(seconds: float) -> datetime:
    """Seconds since 1970 as a moment."""
    return datetime.fromtimestamp(seconds, UTC)


class Store:
    """All jobs.

    Args:
        path: the database; made where there is none.

    Raises:
        sqlite3.Error: it cannot be opened, or is none.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._link = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._link.row_factory = sqlite3.Row
        self._link.execute("PRAGMA journal_mode = WAL")
        self._link.execute("PRAGMA synchronous = FULL")
        if self._link.execute("PRAGMA user_version").fetchone()[0] == 0:
            self._link.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")

    def close(self) -> None:
        """Let go of the database."""
        with self._lock:
            self._link.close()

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._link.execute("BEGIN IMMEDIATE")
            try:
                yield self._link
                self._link.execute("COMMIT")
            except BaseException:
                if self._link.in_transaction:  # a full disk ends some by itself
                    self._link.execute("ROLLBACK")
                raise

    def _rows(self, where: str, values: Sequence[object] = ()) -> list[Row]:
        with self._lock:
            found = self._link.execute(f"SELECT * FROM jobs {where}", tuple(values)).fetchall()
        return [_row(one) for one in found]

    def add(self, row: Row, *, queue: int, per_client: int) -> None:
        """A job that was accepted; limits are looked at in the same transaction, however many come at once.

        Raises:
            Full: `queue` jobs wait already, or `per_client` of its address wait or run.
        """
        with self._change() as link:
            waiting = _count(link, "state = 'queued'")
            if waiting >= queue:
                raise Full("queue", waiting)
            mine = _count(link, _UNFINISHED, row.peer)
            if mine >= per_client:
                raise Full("client", mine)
            link.execute(
                "INSERT INTO jobs (id, owner, peer, name, state, kind, width, height, frames, format, bytes, settings, "
                "suffix, expected, created) VALUES (?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    row.id,
                    row.owner,
                    row.peer,
                    row.name,
                    row.kind,
                    row.width,
                    row.height,
                    row.frames,
                    row.format,
                    row.bytes,
                    row.settings.model_dump_json(),
                    row.suffix,
                    row.expected,
                    row.created,
                ),
            )

    def get(self, job: str) -> Row | None:
        """One job."""
        return next(iter(self._rows("WHERE id = ?", (job,))), None)

    def many(self, ids: Sequence[str]) -> list[Row]:
        """Several jobs, in the order of `ids`; unknown ones are left out."""
        marks = ", ".join("?" * len(ids))
        found = {row.id: row for row in self._rows(f"WHERE id IN ({marks})", ids)}
        return [found[one] for one in ids if one in found]

    def of(self, owner: str, most: int) -> list[Row]:
        """Jobs of a client, newest first."""
        return self._rows("WHERE owner = ? ORDER BY created DESC, id LIMIT ?", (owner, most))

    def waiting(self) -> list[Row]:
        """Jobs that are to be done, oldest first."""
        return self._rows("WHERE state = 'queued' ORDER BY created, id")

    def restart(self) -> list[Row]:
        """What was under work when the server ended is to be done again; jobs that are to be done, oldest first."""
        with self._change() as link:
            link.execute("UPDATE jobs SET state = 'queued', started = NULL WHERE state = 'running'")
        return self.waiting()

    def begin(self, job: str, now: float) -> bool:
        """A job is taken up; False where it waits no more."""
        with self._change() as link:
            done = link.execute(
                "UPDATE jobs SET state = 'running', started = ?, attempts = attempts + 1 "
                "WHERE id = ? AND state = 'queued'",
                (now, job),
            )
            return done.rowcount == 1

    def put_back(self, job: str) -> None:
        """A job under work waits again, and this attempt does not count: the server is being stopped."""
        with self._change() as link:
            link.execute(
                "UPDATE jobs SET state = 'queued', started = NULL, attempts = attempts - 1 "
                "WHERE id = ? AND state = 'running'",
                (job,),
            )

    def finish(
        self, job: str, state: State, now: float, *, result: Result | None = None, problem: JobProblem | None = None
    ) -> bool:
        """A job is over; False where it was over already. No job is over twice."""
        with self._change() as link:
            done = link.execute(
                "UPDATE jobs SET state = ?, finished = ?, result = ?, problem = ? "
                "WHERE id = ? AND state IN ('queued', 'running')",
                (
                    state,
                    now,
                    None if result is None else result.model_dump_json(),
                    None if problem is None else problem.model_dump_json(),
                    job,
                ),
            )
            return done.rowcount == 1

    def remove(self, job: str) -> bool:
        """A job is forgotten; False where there was none."""
        with self._change() as link:
            return link.execute("DELETE FROM jobs WHERE id = ?", (job,)).rowcount == 1

    def expired(self, before: float) -> list[Row]:
        """Jobs that were over before a moment."""
        return self._rows("WHERE finished IS NOT NULL AND finished < ?", (before,))

    def ids(self) -> set[str]:
        """Of all jobs."""
        with self._lock:
            return {one[0] for one in self._link.execute("SELECT id FROM jobs")}

    def unfinished(self, peer: str) -> int:
        """Jobs from an address that wait or run."""
        with self._lock:
            return _count(self._link, _UNFINISHED, peer)

    def counts(self) -> dict[State, int]:
        """Jobs in each state."""
        made: dict[State, int] = {"queued": 0, "running": 0, "done": 0, "failed": 0, "cancelled": 0}
        with self._lock:
            for state, many in self._link.execute("SELECT state, count(*) FROM jobs GROUP BY state"):
                made[state] = many
        return made


_UNFINISHED: Final = "state IN ('queued', 'running') AND peer = ?"


def _count(link: sqlite3.Connection, where: str, *values: str) -> int:
    return int(link.execute(f"SELECT count(*) FROM jobs WHERE {where}", values).fetchone()[0])


def _row(one: sqlite3.Row) -> Row:
    fields = dict(one)
    fields["settings"] = Settings.model_validate_json(fields["settings"])
    if fields["result"] is not None:
        fields["result"] = Result.model_validate_json(fields["result"])
    if fields["problem"] is not None:
        fields["problem"] = JobProblem.model_validate_json(fields["problem"])
    return Row(**fields)
