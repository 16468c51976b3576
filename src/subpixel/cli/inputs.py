"""From what stands on the command line to a list of jobs: which file is read, which is written."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final

from subpixel.errors import OutputUnwritable, PictureMissing, PictureUnreadable, SettingError, SubpixelError, names_like
from subpixel.image.formats import FORMATS, by_name

NAME: Final = "{name}"
"""In a pattern: the input's name without its suffix, and for a picture out of a folder the way to it."""
SCALE: Final = "{scale}"
"""In a pattern: the factor as a number, as 2 or 2.5; for a size its label, as w1920."""


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to read and what to write, one file for each result."""

    source: Path
    targets: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Naming:
    """How results are named.

    Attributes:
        output: file, folder or pattern to write to; None: beside each input, its name followed by a label.
        labels: what the names of the results carry, as ``x2`` and ``x4``.
        format: format to write, by name; None to keep each input's.
    """

    output: str | None
    labels: tuple[str, ...]
    format: str | None

    @property
    def is_pattern(self) -> bool:
        """True where `output` says by ``{name}`` or ``{scale}`` how each result is named."""
        return self.output is not None and (NAME in self.output or SCALE in self.output)

    def filled(self, name: str, source: Path) -> tuple[Path, ...]:
        """The pattern for one input."""
        assert self.output is not None
        pattern = self.output if Path(self.output).suffix else self.output + _suffix(source, self.format)
        numbers = [label.removeprefix("x") for label in self.labels]
        return tuple(Path(pattern.replace(SCALE, number).replace(NAME, name)) for number in numbers)

    def beside(self, source: Path) -> tuple[Path, ...]:
        """Results beside an input, or of the same names elsewhere."""
        suffix = _suffix(source, self.format)
        return tuple(source.with_name(f"{source.stem}-{label}{suffix}") for label in self.labels)


def _suffix(source: Path, format: str | None) -> str:
    """The suffix of the result: the input's own unless another format is asked for."""
    if format is None:
        return source.suffix
    row = by_name(format)
    return source.suffix if source.suffix.lower() in row.suffixes else row.suffixes[0]


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


def find_jobs(inputs: Sequence[Path], naming: Naming) -> Iterator[Job | tuple[Path, SubpixelError]]:
    """The jobs for some inputs, in order; an input that gives none comes with its error.

    Args:
        inputs: files and folders; folders are searched recursively and mirrored.
        naming: how results are named.

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
    seen: dict[Path, Path] = {}
    for source in inputs:
        for job in _jobs_of(source, naming, as_folder):
            clash = next((path for path in job.targets if path in seen), None) if isinstance(job, Job) else None
            if isinstance(job, Job) and clash is not None:
                error = OutputUnwritable(
                    f"{job.source} and {seen[clash]} would both be written to {clash}",
                    "give them different names, or upscale them one by one",
                )
                yield job.source, error
                continue
            if isinstance(job, Job):
                seen.update(dict.fromkeys(job.targets, job.source))
            yield job


def _jobs_of(source: Path, naming: Naming, as_folder: bool) -> Iterator[Job | tuple[Path, SubpixelError]]:
    try:
        there, folder_there = source.exists(), source.is_dir()
    except OSError as error:
        shown = f"{str(source)[:60]}…" if len(str(source)) > 200 else str(source)
        yield source, PictureUnreadable(f"{shown} cannot be opened", error.strerror or str(error))
        return
    if folder_there:
        yield from _jobs_of_folder(source, naming)
    elif not there:
        yield source, PictureMissing(f"{source} does not exist", names_like(source))
    elif naming.output is None:
        yield Job(source, naming.beside(source))
    elif naming.is_pattern:
        yield Job(source, naming.filled(source.stem, source))
    elif as_folder:
        yield Job(source, tuple(Path(naming.output) / path.name for path in naming.beside(source)))
    else:
        yield Job(source, (Path(naming.output),))


def _jobs_of_folder(source: Path, naming: Naming) -> Iterator[Job | tuple[Path, SubpixelError]]:
    """The pictures under a folder, mirrored: into a folder for each result, or into one for all, named apart there."""
    # A folder named . or .. has its name only in full.
    named = source if source.name not in ("", "..") else source.resolve()
    if naming.output is None:
        folders = [named.with_name(f"{named.name}-{label}") for label in naming.labels]
    elif naming.is_pattern:
        folders = [folder for folder in [Path(naming.output).parent] if NAME not in str(folder)]
    else:
        folders = [Path(naming.output)]
    if not naming.is_pattern and folders[0].resolve() == source.resolve():
        raise OutputUnwritable(f"the output folder {folders[0]} is the input folder", "give another, as -o results/")
    count = 0
    for path in _pictures(source, folders[0] if folders else None):
        count += 1
        name = path.relative_to(source)
        if naming.is_pattern:
            yield Job(path, naming.filled(str(name.with_suffix("")), path))
        elif naming.output is not None and len(naming.labels) > 1:
            yield Job(path, tuple(folders[0] / made for made in naming.beside(name)))
        else:
            suffix = _suffix(path, naming.format)
            yield Job(path, tuple((folder / name).with_suffix(suffix) for folder in folders))
    if count == 0:
        suffixes = ", ".join(row.suffixes[0] for row in FORMATS)
        yield source, PictureMissing(f"no pictures in {source}", f"known suffixes are {suffixes}")


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
    for folder in made:
        with contextlib.suppress(OSError):
            folder.rmdir()
