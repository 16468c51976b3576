"""What was made of what, for runs that nodes do: decides, and gives results their names.

A book is for one kind of place: `LocalBook` here, beside the journal of folders; `FarBook` in `subpixel.cluster.far`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Generic, Protocol, TypeVar

from subpixel.batch.deciding import Decision, Why, decide
from subpixel.batch.finding import weight
from subpixel.batch.journal import Journal, State, digest
from subpixel.batch.naming import Folders, Job
from subpixel.cluster.orders import Done
from subpixel.errors import OutputExists, PictureMissing, PictureUnreadable, names_like
from subpixel.image import Encoded, settle_all
from subpixel.image.targets import partial, unwritable
from subpixel.results import FileResult


class InputChanged(Exception):
    """The input changed while it was being made larger."""


class Piece(Protocol):
    """A picture to be made larger."""

    @property
    def shown(self) -> Path:
        """The picture, for people."""
        ...

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the results, without folders."""
        ...

    @property
    def weight(self) -> int:
        """How much work it is, about."""
        ...


P_contra = TypeVar("P_contra", bound=Piece, contravariant=True)


class Book(Protocol, Generic[P_contra]):
    """See above.

    Attributes:
        differs: how the settings are others than those of the last run.
    """

    differs: tuple[str, ...]

    def decide(self, piece: P_contra, overwrite: bool) -> Decision:
        """What to do with a picture.

        Raises:
            OutputExists: there is a result that is not ours to replace.
        """
        ...

    def where(self, piece: P_contra, attempt: str) -> tuple[str | None, tuple[str, ...] | None]:
        """URLs that a node reads it from, and writes its results to; None where bytes are carried."""
        ...

    def read(self, piece: P_contra) -> bytes | None:
        """The picture's bytes, where they are carried.

        Raises:
            PictureError: it cannot be read.
        """
        ...

    def settle(self, piece: P_contra, decision: Decision, done: Done, attempt: str) -> tuple[FileResult, ...]:
        """Give its results their names, and remember that; from any thread.

        Raises:
            InputChanged: it is another picture now.
            OutputError: that cannot be.
        """
        ...


@dataclass(slots=True)
class LocalPiece:
    """A picture on this computer; results as well.

    Attributes:
        job: what is read, and what is written.
        weight: how much work it is, about.
        before: what it was like when it was read.
        hash: of its bytes then.
    """

    job: Job
    weight: int = 0
    before: State | None = None
    hash: bytes = b""

    @classmethod
    def of(cls, job: Job) -> LocalPiece:
        """The picture of a job."""
        return cls(job, weight(job.source))

    @property
    def shown(self) -> Path:
        """See `Piece`."""
        return self.job.source

    @property
    def files(self) -> tuple[str, ...]:
        """See `Piece`."""
        return tuple(target.name for target in self.job.targets)


@dataclass(slots=True)
class LocalBook:
    """Files of this computer.

    Attributes:
        journal: of the folder of results, the one that a run without nodes keeps; None for single files.
        differs: see `Book`.
    """

    journal: Journal | None
    differs: tuple[str, ...] = ()
    _folders: Folders = field(default_factory=Folders)
    _one: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        if self.journal is not None:
            self.differs = self.journal.differs

    def decide(self, piece: LocalPiece, overwrite: bool) -> Decision:
        """See `Book`."""
        if self.journal is None:
            decision = Decision(Why.OVERWRITE if overwrite else Why.NEW, overwrite)
        else:
            decision = decide(piece.job, self.journal, overwrite)
        if decision.why is not Why.FINISHED and not decision.overwrite:
            for target in piece.job.targets:
                if target.exists():
                    raise OutputExists(f"{target} exists", "use --overwrite to replace it, or -o for another name")
        return decision

    def where(self, piece: LocalPiece, attempt: str) -> tuple[None, None]:
        """See `Book`."""
        return None, None

    def read(self, piece: LocalPiece) -> bytes:
        """See `Book`."""
        source = piece.job.source
        try:
            piece.before, piece.hash = State.of(source), digest(source)  # a pipe would never end: it is no file
            return source.read_bytes()
        except FileNotFoundError as error:
            raise PictureMissing(f"{source} does not exist", names_like(source)) from error
        except OSError as error:
            there = source.exists() or source.is_symlink()
            kind = PictureUnreadable if there else PictureMissing
            raise kind(f"{source} cannot be read", error.strerror or str(error)) from error

    def settle(self, piece: LocalPiece, decision: Decision, done: Done, attempt: str) -> tuple[FileResult, ...]:
        """See `Book`."""
        job, noted = piece.job, False
        assert done.data is not None
        if done.digest != piece.hash or State.of(job.source) != piece.before or piece.before is None:
            raise InputChanged
        try:
            for folder, new in self._folders.enter(job.targets).items():
                if self.journal is not None:
                    self.journal.enter(folder, new)
            with ExitStack() as stack:
                made = [
                    _written(target, data, result.notes, decision.overwrite, stack)
                    for target, data, result in zip(job.targets, done.data, done.results, strict=True)
                ]
                if self.journal is not None:
                    outputs = [(Path(one.target), State.told(one.facts())) for one in made]
                    noted = True
                    self.journal.add(job.source, piece.before, piece.hash, outputs)
                settle_all(made)
        except BaseException:
            if noted and self.journal is not None:
                self.journal.forget(job.targets)
            raise
        finally:
            self._folders.leave(job.targets)
        return renamed(done.results, job.source, job.targets)


def _written(target: Path, data: bytes, notes: tuple[str, ...], overwrite: bool, stack: ExitStack) -> Encoded:
    """A result beside its place, not yet under its name."""
    final = target.resolve() if target.is_symlink() else target
    try:
        part = stack.enter_context(partial(final))
        part.file.write(data)
    except OSError as error:
        raise unwritable(target, error) from error
    return Encoded(target, notes, part, final, overwrite)


def renamed(results: Sequence[FileResult], source: Path, targets: Sequence[Path]) -> tuple[FileResult, ...]:
    """Results with the names that people know, in place of those of a node's own files."""
    known = {result.target: target for result, target in zip(results, targets, strict=True)}
    return tuple(
        replace(
            result,
            source=source,
            target=known[result.target],
            shared_with=None if result.shared_with is None else known[result.shared_with],
        )
        for result in results
    )
