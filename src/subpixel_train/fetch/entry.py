"""One entry of the catalogue: fetched, unpacked, in its place."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final, Literal

from subpixel.errors import OutputUnwritable, TrainingError
from subpixel_train.fetch.benchmark import SCALES, lay_out
from subpixel_train.fetch.entries import Entry, Folder, Pictures, Weights
from subpixel_train.fetch.obtain import Source, obtain
from subpixel_train.fetch.places import weights_folder
from subpixel_train.fetch.unpack import SUFFIXES, emptied, unpack

STORE: Final = ".fetched"
"""Folder under the data folder for archives, parts of them, and `fetched.json`."""

Outcome = Literal["fetched", "there"]


def places(entry: Entry, data: Path) -> tuple[Path, ...]:
    """Where the entry lies, or would."""
    if isinstance(entry, Weights):
        return (weights_folder() / entry.file,)
    return tuple(data / folder.to for folder in entry.folders)


def is_there(entry: Entry, data: Path) -> bool:
    """Whether it lies in its place, with as many pictures as it should have."""
    if isinstance(entry, Weights):
        return places(entry, data)[0].is_file()
    return all(_whole(entry, folder, data) for folder in entry.folders)


def fetch(entry: Entry, data: Path, source: Source, *, again: bool = False) -> Outcome:
    """Fetch an entry, unless it is there.

    Args:
        entry: of the catalogue.
        data: the data folder; weights go to the cache.
        source: how to get files.
        again: True replaces what is there.

    Raises:
        TrainingError: it cannot be fetched, is not what it should be, or a folder of its name holds something else.
        OutputUnwritable: the folder or the disk.
    """
    if isinstance(entry, Weights):
        return "fetched" if obtain(entry.download, weights_folder(), source, again=again) else "there"
    missing = [folder for folder in entry.folders if again or not _whole(entry, folder, data)]
    if not missing:
        return "there"
    for folder in missing:
        count = _pictures_in(data / folder.to)
        if count and not again:
            raise TrainingError(
                f"{data / folder.to} is there, but is not the whole of {entry.name}",
                f"replace it with: subpixel data fetch {entry.name} --again",
            )
    obtain(entry.download, data / STORE, source)
    archive = data / STORE / entry.download.file
    work = data / STORE / f"{entry.name}.unpacking"
    try:
        _place(entry, missing, archive, work, data, source)
    except OSError as error:
        raise OutputUnwritable(f"cannot unpack {archive}", error.strerror or str(error)) from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return "fetched"


def _place(entry: Pictures, missing: list[Folder], archive: Path, work: Path, data: Path, source: Source) -> None:
    """Unpack into `work`; only whole folders are then renamed to their places."""
    source.watcher.stage(f"unpacking {archive.name}")
    emptied(work)
    ready: dict[Folder, Path] = {}
    for index, folder in enumerate(missing):
        ready[folder] = emptied(work / str(index))
    parts = {inside: work / f"{index}.{part}" for index, inside, part in _parts(entry, missing)}
    for path in parts.values():
        path.mkdir()
    wanted = parts or {folder.inside: path for folder, path in ready.items()}
    written = unpack(entry.download, archive, wanted, source.watcher.progress)
    for inside, count in written.items():
        expected = next(folder.pictures for folder in missing if inside.startswith(folder.inside))
        if count != expected:
            raise TrainingError(
                f"{archive.name} holds {count} pictures in {inside}, not {expected}", "it is not the set it should be"
            )
    for index, folder in enumerate(missing):
        if entry.pairs:
            small = {scale: work / f"{index}.{scale}" for scale in SCALES}
            lay_out(work / f"{index}.large", small, ready[folder])
        _rename(ready[folder], data / folder.to, work / f"{index}.old")


def _parts(entry: Pictures, missing: list[Folder]) -> list[tuple[int, str, str]]:
    """Folders of a benchmark set in EDSR's layout: index of the set, path inside, own name; none for other sets."""
    if not entry.pairs:
        return []
    found = []
    for index, folder in enumerate(missing):
        found.append((index, f"{folder.inside}/HR", "large"))
        found += [(index, f"{folder.inside}/LR_bicubic/X{scale}", str(scale)) for scale in SCALES]
    return found


def _rename(ready: Path, target: Path, old: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        target.rename(old)
    ready.rename(target)


def _whole(entry: Pictures, folder: Folder, data: Path) -> bool:
    root = data / folder.to
    if not entry.pairs:
        return _pictures_in(root) == folder.pictures
    parts = [root / side / f"x{scale}" for side in ("HR", "LR") for scale in SCALES]
    return all(_pictures_in(part) == folder.pictures for part in parts)


def _pictures_in(folder: Path) -> int:
    if not folder.is_dir():
        return 0
    return sum(path.suffix.lower() in SUFFIXES and not path.name.startswith(".") for path in folder.rglob("*"))
