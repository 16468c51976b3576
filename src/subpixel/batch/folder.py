"""From a folder, or several, to the jobs for their pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from subpixel.batch.claims import Claims
from subpixel.batch.finding import Filters, Walk
from subpixel.batch.naming import Job, Naming
from subpixel.errors import OutputUnwritable, PictureMissing, SubpixelError
from subpixel.image.formats import FORMATS

if TYPE_CHECKING:
    from subpixel.batch.journal import Journal


@dataclass(slots=True)
class Folder:
    """A folder of pictures, and where their results go.

    Attributes:
        source: the folder.
        naming: how results are named.
        filters: which pictures are taken.
        claims: of everything that is written in the same run.
        results: the folders of results: one for each result, or one for all.

    Raises:
        OutputUnwritable: the output would be the input's own folder.
    """

    source: Path
    naming: Naming
    filters: Filters = field(default_factory=Filters)
    claims: Claims = field(default_factory=Claims)
    results: list[Path] = field(init=False)

    def __post_init__(self) -> None:
        self.results = self.naming.folders(self.source)

    @property
    def root(self) -> Path:
        """Where the journal is kept."""
        return self.results[0]

    def walk(self, journal: Journal | None = None) -> Walk:
        """A way through the pictures that leaves out results of earlier runs."""
        return Walk(self.source, self.filters, self._skip(journal))

    def _skip(self, journal: Journal | None) -> Callable[[Path], bool]:
        full = self.source.resolve()
        inside = [folder for folder in (one.resolve() for one in self.results) if full in folder.parents]
        names = {folder.name for folder in inside}
        root = self.root.resolve()
        # Results may come to stand among the pictures by names of a pattern, or where the folder is one of results.
        among = root in full.parents or (self.naming.is_pattern and full in (root, *root.parents))

        def skip(path: Path) -> bool:
            if path.name in names and path.resolve() in inside and not self.naming.is_pattern:
                return True
            return bool(among and journal is not None and journal.is_result(path))

        return skip

    def items(
        self, journal: Journal | None, note: Callable[[str], None] = lambda line: None
    ) -> Iterator[Job | tuple[Path, SubpixelError]]:
        """The job of every picture, once; what cannot be done comes with its error.

        Args:
            journal: knows results of earlier runs.
            note: told of what is left out.
        """
        walk, count = self.walk(journal), 0
        for found in walk:
            count += 1
            if isinstance(found, tuple):
                yield found
            else:
                yield self.job(found)
        if walk.links:
            which = "1 link to a folder is" if walk.links == 1 else f"{walk.links} links to folders are"
            note(f"{which} not followed in {self.source}: give what it leads to beside the folder")
        if walk.films:
            which = "1 video is" if walk.films == 1 else f"{walk.films} videos are"
            note(f"{which} left out in {self.source}: name them, as subpixel upscale {self.source}/NAME.mp4")
        if count == 0:
            yield self.source, self._none()

    def job(self, name: Path) -> Job | tuple[Path, OutputUnwritable]:
        """The job for a picture, `name` from the folder, or why there is none."""
        job = self.naming.mirrored(self.source, name, self.results)
        error = self.claims.claim(job)
        return job if error is None else (job.source, error)

    def _none(self) -> PictureMissing:
        if self.filters != Filters():
            return PictureMissing(f"no pictures in {self.source} fit", "see what --include and --exclude say")
        suffixes = ", ".join(row.suffixes[0] for row in FORMATS)
        return PictureMissing(f"no pictures in {self.source}", f"known suffixes are {suffixes}")


def by_root(folders: Sequence[Folder]) -> dict[Path, list[Folder]]:
    """Folders whose results go to the same place, in order."""
    made: dict[Path, list[Folder]] = {}
    for folder in folders:
        made.setdefault(folder.root, []).append(folder)
    return made
