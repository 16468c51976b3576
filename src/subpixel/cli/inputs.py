"""From what stands on the command line to a list of jobs: which file is read, which is written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from subpixel.batch.naming import SCALE, Job, Naming, drop_folders, make_folder
from subpixel.errors import PictureMissing, PictureUnreadable, SettingError, SubpixelError, names_like

if TYPE_CHECKING:
    from subpixel.batch.claims import Claims
    from subpixel.batch.finding import Filters

__all__ = ["Job", "Naming", "drop_folders", "find_jobs", "make_folder"]


def find_jobs(
    inputs: Sequence[Path],
    naming: Naming,
    filters: Filters | None = None,
    claims: Claims | None = None,
    *,
    folders: bool = True,
) -> Iterator[Job | tuple[Path, SubpixelError]]:
    """The jobs for some inputs, in order; an input that gives none comes with its error.

    Args:
        inputs: files and folders; folders are searched recursively and mirrored.
        naming: how results are named.
        filters: which pictures of folders are taken.
        claims: of what else is written.
        folders: False: leave out what is in folders.

    Raises:
        SettingError: several inputs or results for one output file.
        OutputUnwritable: the output would be the input's own folder.
    """
    output, several = naming.output, len(naming.labels) > 1
    as_folder = (
        output is not None
        and not naming.is_pattern
        and (
            output.endswith(("/", os.sep))
            or _is(Path.is_dir, output)
            or len(inputs) > 1
            or _any_folder(inputs)
            or (several and not Path(output).suffix)  # one file it cannot be
        )
    )
    if as_folder and _is(Path.is_file, str(output)):
        alone = "several sizes" if several else "a folder's pictures"
        what = alone if len(inputs) == 1 else f"{len(inputs)} inputs"
        raise SettingError(f"the output {output} is a file, for {what}", "give a folder, as -o results/")
    if several and output is not None and not as_folder and SCALE not in output:
        named = Path(output)
        raise SettingError(
            f"the output {output} is one file, for {len(naming.labels)} sizes",
            f"give a folder, as -o results/, or a pattern, as -o {named.with_name(named.stem)}-x{SCALE}{named.suffix}",
        )
    if len(inputs) == 1 and not is_folder(inputs[0]):
        yield from _jobs_of(inputs[0], naming, as_folder)
        return
    from subpixel.batch.claims import Claims

    claims = claims or Claims()
    for source in inputs:
        if not is_folder(source):
            yield from _checked(_jobs_of(source, naming, as_folder), claims)
        elif folders:
            from subpixel.batch.finding import Filters
            from subpixel.batch.folder import Folder

            yield from Folder(source, naming, filters or Filters(), claims).items(None)


def _checked(
    jobs: Iterator[Job | tuple[Path, SubpixelError]], claims: Claims
) -> Iterator[Job | tuple[Path, SubpixelError]]:
    """Jobs, and the error in place of one that would write to the file of another."""
    for job in jobs:
        error = claims.claim(job) if isinstance(job, Job) else None
        yield job if error is None or not isinstance(job, Job) else (job.source, error)


def _jobs_of(source: Path, naming: Naming, as_folder: bool) -> Iterator[Job | tuple[Path, SubpixelError]]:
    try:
        there = source.exists()
    except OSError as error:
        shown = f"{str(source)[:60]}…" if len(str(source)) > 200 else str(source)
        yield source, PictureUnreadable(f"{shown} cannot be opened", error.strerror or str(error))
        return
    if not there:
        yield source, PictureMissing(f"{source} does not exist", names_like(source))
    elif naming.output is None:
        yield Job(source, naming.beside(source))
    elif naming.is_pattern:
        yield Job(source, naming.filled(source.stem, source))
    elif as_folder:
        yield Job(source, tuple(Path(naming.output) / path.name for path in naming.beside(source)))
    else:
        yield Job(source, (Path(naming.output),))


def _is(question: Callable[[Path], bool], path: str | Path) -> bool:
    """A question about a path, no where the system does not answer: what is wrong with it is said when it is used."""
    try:
        return question(Path(path))
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Whether that is a folder."""
    return _is(Path.is_dir, path)


def _any_folder(paths: Sequence[Path]) -> bool:
    return any(map(is_folder, paths))
