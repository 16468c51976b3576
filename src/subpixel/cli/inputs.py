"""From what stands on the command line to a list of jobs: which file is read, which is written."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from subpixel.errors import OutputUnwritable, PictureMissing, PictureUnreadable, SettingError, SubpixelError
from subpixel.image.formats import FORMATS, by_name


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to read and one to write."""

    source: Path
    target: Path


def _suffix(source: Path, format: str | None) -> str:
    """The suffix of the result: the input's own unless another format is asked for."""
    if format is None:
        return source.suffix
    row = by_name(format)
    return source.suffix if source.suffix.lower() in row.suffixes else row.suffixes[0]


def _beside(source: Path, label: str, format: str | None) -> Path:
    return source.with_name(f"{source.stem}-{label}{_suffix(source, format)}")


def _pictures(folder: Path, skip: Path | None) -> Iterator[Path]:
    """Picture files under `folder`, sorted, hidden ones and those under `skip` left out."""
    known = {suffix for row in FORMATS for suffix in row.suffixes}
    results = None if skip is None else skip.resolve()
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and Path(where, name).resolve() != results
        )
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in known:
                yield Path(where, name)


def find_jobs(
    inputs: Sequence[Path], output: str | None, label: str, format: str | None
) -> Iterator[Job | tuple[Path, SubpixelError]]:
    """The jobs for some inputs, in order; an input that gives none comes with its error.

    Args:
        inputs: files and folders; folders are searched recursively and mirrored.
        output: file or folder to write to; None: beside each input, its name followed by `label`.
        label: what the results' names carry, as ``x4``.
        format: format to write, by name; None to keep each input's.

    Raises:
        SettingError: several inputs for one output file.
        OutputUnwritable: the output would be the input's own folder.
    """
    into = None if output is None else Path(output)
    as_folder = output is not None and (
        output.endswith(("/", os.sep)) or _is(Path.is_dir, output) or len(inputs) > 1 or _any_folder(inputs)
    )
    if as_folder and into is not None and _is(Path.is_file, into):
        what = "a folder's pictures" if len(inputs) == 1 else f"{len(inputs)} inputs"
        raise SettingError(f"the output {into} is a file, for {what}", "give a folder, as -o results/")
    seen: dict[Path, Path] = {}
    for source in inputs:
        for job in _jobs_of(source, into, as_folder, label, format):
            if isinstance(job, Job) and job.target in seen:
                error = OutputUnwritable(
                    f"{job.source} and {seen[job.target]} would both be written to {job.target}",
                    "give them different names, or upscale them one by one",
                )
                yield job.source, error
                continue
            if isinstance(job, Job):
                seen[job.target] = job.source
            yield job


def _jobs_of(
    source: Path, into: Path | None, as_folder: bool, label: str, format: str | None
) -> Iterator[Job | tuple[Path, SubpixelError]]:
    try:
        there, folder_there = source.exists(), source.is_dir()
    except OSError as error:
        shown = f"{str(source)[:60]}…" if len(str(source)) > 200 else str(source)
        yield source, PictureUnreadable(f"{shown} cannot be opened", error.strerror or str(error))
        return
    if folder_there:
        # A folder named . or .. has its name only in full.
        named = source if source.name not in ("", "..") else source.resolve()
        folder = into or named.with_name(f"{named.name}-{label}")
        if folder.resolve() == source.resolve():
            raise OutputUnwritable(f"the output folder {folder} is the input folder", "give another, as -o results/")
        count = 0
        for path in _pictures(source, folder):
            count += 1
            name = path.relative_to(source)
            yield Job(path, (folder / name).with_suffix(_suffix(path, format)))
        if count == 0:
            suffixes = ", ".join(row.suffixes[0] for row in FORMATS)
            yield source, PictureMissing(f"no pictures in {source}", f"known suffixes are {suffixes}")
    elif not there:
        yield source, PictureMissing(f"{source} does not exist", _similar(source))
    elif into is None:
        yield Job(source, _beside(source, label, format))
    elif as_folder:
        yield Job(source, into / _beside(source, label, format).name)
    else:
        yield Job(source, into)


def _similar(missing: Path) -> str:
    """A hint that names files like the one that is missing."""
    from difflib import get_close_matches

    try:
        names = [entry.name for entry in missing.parent.iterdir()]
    except OSError:
        return f"there is no folder {missing.parent}"
    near = get_close_matches(missing.name, names, 1, 0.6)
    return f"did you mean {missing.with_name(near[0])}?" if near else "check the name"


def _is(question: Callable[[Path], bool], path: str | Path) -> bool:
    """A question about a path, no where the system does not answer: what is wrong with it is said when it is used."""
    try:
        return question(Path(path))
    except OSError:
        return False


def _any_folder(paths: Sequence[Path]) -> bool:
    return any(_is(Path.is_dir, path) for path in paths)


def make_folder(target: Path) -> list[Path]:
    """Make the folder that a result goes to, where it is missing.

    Returns:
        The folders that were made, innermost first: `drop_folders` takes them away again if nothing is put there.

    Raises:
        OutputUnwritable: it cannot be made.
    """
    try:
        made = list(takewhile(lambda folder: not folder.exists(), target.parents))
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "a file is in the way" if isinstance(error, FileExistsError | NotADirectoryError) else error.strerror
        raise OutputUnwritable(f"the folder {target.parent} cannot be made", str(reason)) from error
    return made


def drop_folders(made: list[Path]) -> None:
    """Remove folders that `make_folder` made, as far as they are empty."""
    with contextlib.suppress(OSError):
        for folder in made:
            folder.rmdir()
