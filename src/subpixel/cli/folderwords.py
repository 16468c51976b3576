"""What options for folders mean. Small: it is loaded for single files too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from subpixel.cli.inputs import is_folder
from subpixel.errors import SettingError

if TYPE_CHECKING:
    from subpixel.batch.claims import Claims
    from subpixel.batch.finding import Filters
    from subpixel.batch.folder import Folder
    from subpixel.batch.naming import Naming


@dataclass(frozen=True, slots=True)
class FolderWords:
    """The options for folders, as they were typed.

    Attributes:
        include: patterns of pictures to take.
        exclude: patterns of pictures and folders to leave out.
        watch: go on with new pictures.
        report: file for the report.
    """

    include: Sequence[str]
    exclude: Sequence[str]
    watch: bool
    report: Path | None

    @property
    def filters(self) -> Filters:
        """Which pictures are taken."""
        from subpixel.batch.finding import Filters

        return Filters(tuple(self.include), tuple(self.exclude))

    def folders(self, inputs: Sequence[Path], naming: Naming, claims: Claims | None) -> list[Folder]:
        """The folders among some inputs.

        Raises:
            SettingError: options for folders, and there is none, or options that cannot be.
            OutputUnwritable: the output would be the input's own folder.
        """
        found: list[Folder] = []
        for path in {path.resolve(): path for path in inputs if is_folder(path)}.values():
            from subpixel.batch.folder import Folder

            assert claims is not None
            found.append(Folder(path, naming, self.filters, claims))
        given = {
            "--include": self.include,
            "--exclude": self.exclude,
            "--watch": self.watch,
            "--report": self.report is not None,
        }
        word = next((word for word, value in given.items() if value), None)
        if word is not None and not found:
            raise SettingError(f"{word} was given, and no folder", "it is for folders; leave it out")
        if self.report is not None:
            if len({folder.root for folder in found}) > 1:
                hint = "give one place for all, as -o results/"
                raise SettingError("--report was given for several folders of results", hint)
            if self.report.is_dir() or not self.report.absolute().parent.is_dir():
                hint = "give a file, in a folder that is there"
                raise SettingError(f"the report {self.report} cannot be written", hint)
        return found
