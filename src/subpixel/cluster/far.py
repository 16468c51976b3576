"""Results that go to a store, or are made of what lies in one: their book, and the pictures of a place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from types import TracebackType

from subpixel.batch.deciding import Decision, Why
from subpixel.batch.finding import Filters
from subpixel.batch.journal import differences
from subpixel.batch.naming import NAME, SCALE, Naming
from subpixel.cluster.books import renamed
from subpixel.cluster.orders import Done
from subpixel.cluster.places import Listing, Place, Stamp, is_url
from subpixel.cluster.record import COMING, Made, Record, unnamed
from subpixel.errors import OutputExists, OutputUnwritable, PictureMissing, SettingError, SubpixelError
from subpixel.image.formats import by_suffix
from subpixel.results import FileResult


@dataclass(frozen=True, slots=True)
class FarPiece:
    """A picture of a place.

    Attributes:
        source: the place.
        name: the picture in it.
        targets: names of its results, in theirs.
        stamp: what its file is like.
    """

    source: Place
    name: str
    targets: tuple[str, ...]
    stamp: Stamp

    @property
    def shown(self) -> Path:
        """See `Piece`."""
        return self.source.path_of(self.name)

    @property
    def files(self) -> tuple[str, ...]:
        """See `Piece`."""
        return tuple(PurePosixPath(target).name for target in self.targets)

    @property
    def weight(self) -> int:
        """See `Piece`."""
        return self.stamp.size + 20_000


class FarBook:
    """See `Book`: results in a place that fsspec reaches.

    Args:
        place: theirs.
        settings, overwrite: as `Record`.

    Raises:
        OutputUnwritable: another run is at work there, or it cannot be written.
    """

    def __init__(self, place: Place, settings: dict[str, str], *, overwrite: bool = False) -> None:
        self.place = place
        self._record = Record(place, settings, overwrite=overwrite)
        try:
            before = self._record.before
            self.differs = tuple(differences(before, settings)) if before and before != settings else ()
            self._end_what_was_begun()
            self._there = place.names()
            place.remove(COMING)
        except BaseException:
            self._record.close(finished=False)
            raise

    def __enter__(self) -> FarBook:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._record.close(finished=kind is None)

    def _end_what_was_begun(self) -> None:
        """Give results their names that a killed run had ready."""
        for name, made in list(unnamed(self._record.rows)):
            if self.place.stamp(made.coming) is not None:
                self.place.move(made.coming, name)
            stamp = self.place.stamp(name)
            if stamp is not None and stamp.size == made.size:
                self._record.named(name, replace(made, stamp=stamp))
            else:
                self._record.forget(name)

    def is_result(self, name: str) -> bool:
        """Whether a file in the place was made here, and is no input."""
        return name in self._record.rows

    def decide(self, piece: FarPiece, overwrite: bool) -> Decision:
        """See `Book`."""
        rows = [self._record.rows.get(target) for target in piece.targets]
        there = [self._there.get(target) for target in piece.targets]
        known = [row for row in rows if row is not None]
        if known:
            same = all(self._same(piece, row) for row in known)
            current = all(row.settings == self._record.settings and row.round >= self._record.round for row in known)
            if same and current and len(known) == len(rows) and None not in there:
                return Decision(Why.FINISHED)
        if overwrite:
            return Decision(Why.OVERWRITE, True)
        for target, row, stamp in zip(piece.targets, rows, there, strict=True):
            self._check_ours(piece, target, row, stamp)
        if not known or None in there or len(known) < len(rows):
            return Decision(Why.NEW, bool(known))
        return Decision(Why.SETTINGS if same else Why.CHANGED, True)

    def _same(self, piece: FarPiece, row: Made) -> bool:
        """Whether a result was made of a file like this; where only its mark is another one, its bytes decide."""
        if row.input == piece.stamp and row.source == piece.source.url_of(piece.name):
            return True
        return row.input.size == piece.stamp.size and piece.source.digest(piece.name).hex() == row.hash

    def _check_ours(self, piece: FarPiece, target: str, row: Made | None, there: Stamp | None) -> None:
        """Raise OutputExists where what is there is not ours to replace."""
        if there is None:
            return
        name = self.place.path_of(target)
        if row is None:
            raise OutputExists(f"{name} exists", "use --overwrite to replace it, or -o for another name")
        if row.stamp != there:
            raise OutputExists(
                f"{name} was changed by somebody else since it was made, and would be made anew",
                "use --overwrite to replace it, or move it away",
            )
        if row.source != piece.source.url_of(piece.name):
            raise OutputExists(
                f"{name} was made from {row.source}", "use --overwrite to replace it, or -o for another folder"
            )

    def where(self, piece: FarPiece, attempt: str) -> tuple[str | None, tuple[str, ...] | None]:
        """See `Book`."""
        fetch = None if piece.source.carried else piece.source.url_of(piece.name)
        if self.place.carried:
            return fetch, None
        return fetch, tuple(self.place.url_of(one) for one in self._coming(piece, attempt))

    @staticmethod
    def _coming(piece: FarPiece, attempt: str) -> tuple[str, ...]:
        """Names that results have until they get their own."""
        return tuple(f"{COMING}/{attempt}-{index}" for index in range(len(piece.targets)))

    def read(self, piece: FarPiece) -> bytes | None:
        """See `Book`."""
        return piece.source.read(piece.name) if piece.source.carried else None

    def settle(self, piece: FarPiece, decision: Decision, done: Done, attempt: str) -> tuple[FileResult, ...]:
        """See `Book`."""
        coming = self._coming(piece, attempt)
        if done.data is not None:
            for name, data in zip(coming, done.data, strict=True):
                self.place.write(name, data)
        made = [
            Made(
                piece.source.url_of(piece.name), done.stamp or piece.stamp, done.digest.hex(),
                self._record.settings, self._record.round, size, name,
            )
            for size, name in zip(done.sizes, coming, strict=True)
        ]  # fmt: skip
        for target, one in zip(piece.targets, made, strict=True):
            self._record.coming(target, one)
        for target, one in zip(piece.targets, made, strict=True):
            self.place.move(one.coming, target)
            stamp = self.place.stamp(target)
            if stamp is None or stamp.size != one.size:
                raise OutputUnwritable(f"{self.place.path_of(target)} is not as it was written", "try again")
            self._record.named(target, replace(one, stamp=stamp))
        return renamed(done.results, piece.shown, [self.place.path_of(target) for target in piece.targets])


@dataclass(slots=True)
class FarFolder:
    """Pictures of one place, and what their results are called in another.

    Attributes:
        listing: the pictures.
        naming: relative to the place of results.
        exact: name of the one result of one picture; empty: by `naming`.
    """

    listing: Listing
    naming: Naming
    exact: str = ""

    def items(self, book: FarBook, claimed: dict[str, str]) -> Iterator[FarPiece | tuple[Path, SubpixelError]]:
        """Every picture; what cannot be done comes with its error.

        Args:
            book: knows results of earlier runs.
            claimed: who writes to which name.
        """
        count, same = 0, self.listing.place.url == book.place.url
        try:
            for name, stamp in self.listing:
                if same and book.is_result(name):
                    continue
                count += 1
                piece = FarPiece(self.listing.place, name, self._targets(name), stamp)
                owners = {claimed.setdefault(target, str(piece.shown)) for target in piece.targets}
                if owners == {str(piece.shown)}:
                    yield piece
                else:
                    other, target = min(owners - {str(piece.shown)}), book.place.path_of(piece.targets[0])
                    what = f"{piece.shown} and {other} would both be written to {target}"
                    yield piece.shown, OutputUnwritable(what, "give them different names, or upscale them one by one")
        except SettingError:
            raise
        except SubpixelError as error:
            yield Path(self.listing.place.shown), error
            return
        if count == 0:
            where = self.listing.place.shown
            if self.listing.only:
                missing = f"{self.listing.place.path_of(self.listing.only)} does not exist"
                yield self.listing.place.path_of(self.listing.only), PictureMissing(missing, "check the name")
            elif self.listing.filters != Filters():
                yield Path(where), PictureMissing(f"no pictures in {where} fit", "see what --include and --exclude say")
            else:
                yield Path(where), PictureMissing(f"no pictures in {where}", "check the name")

    def _targets(self, name: str) -> tuple[str, ...]:
        if self.exact:
            return (self.exact,)
        source = Path(name)
        if self.naming.is_pattern:
            return tuple(path.as_posix() for path in self.naming.filled(str(source.with_suffix("")), source))
        if self.listing.only:
            return tuple(path.as_posix() for path in self.naming.beside(source))
        return tuple(path.as_posix() for path in self.naming.mirrored(Path(), source, [Path()]).targets)


def far_folders(
    inputs: list[str], output: str | None, labels: tuple[str, ...], format: str | None, filters: Filters
) -> tuple[Place, list[FarFolder]]:
    """The place of results, and the folders and files to read.

    Args:
        inputs: URLs, or folders and files of this computer.
        output: where results go: a URL, a folder of this computer, or a pattern for either.
        labels: what the names of several results carry.
        format: of results, by name.
        filters: which pictures are taken.

    Raises:
        SettingError: words that cannot be right.
        OutputUnwritable: the place of results would be that of the pictures.
    """
    if output is None:
        raise SettingError(f"{inputs[0]} was given, and no place for results", "give one, as -o s3://bucket/larger")
    fixed, rest = _split(output)
    exact = ""
    single = [name for name in inputs if by_suffix(PurePosixPath(name).suffix) is not None]
    alone = len(inputs) == 1 and bool(single) and len(labels) == 1
    if not rest and alone and not output.endswith("/") and by_suffix(PurePosixPath(output).suffix) is not None:
        fixed, _, exact = fixed.rpartition("/")
    place = Place.of(fixed)
    naming = Naming(rest or "results", labels, format)
    folders = []
    for name in inputs:
        parent, _, only = name.rstrip("/").rpartition("/")
        listing = Listing(Place.of(parent or "."), only=only) if name in single else Listing(Place.of(name), filters)
        if not listing.only:
            if listing.place.url == place.url and not rest:
                hint = "give another, as -o s3://bucket/larger"
                raise OutputUnwritable(f"the place of results {place.shown} is that of the pictures", hint)
            if place.url.startswith(f"{listing.place.url}/"):
                listing.without = place.url[len(listing.place.url) + 1 :]
        folders.append(FarFolder(listing, naming, exact))
    return place, folders


def _split(output: str) -> tuple[str, str]:
    """The fixed part of where results go, and the pattern below it."""
    if NAME not in output and SCALE not in output:
        return (output.rstrip("/") or output), ""
    parts = output.split("/")
    first = next(index for index, part in enumerate(parts) if NAME in part or SCALE in part)
    fixed = "/".join(parts[:first])
    if is_url(output) and first < 3:
        raise SettingError(f"the pattern {output} begins in the bucket's name", "as s3://bucket/{name}@{scale}x.png")
    return fixed or ".", "/".join(parts[first:])
