"""`subpixel.batch.upscale_folder`: a folder in one line."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from subpixel.batch.finding import Filters, Total
from subpixel.batch.folder import Folder, by_root
from subpixel.batch.journal import Journal
from subpixel.batch.naming import Naming, PictureCoding
from subpixel.batch.report import Failed, Made, Report, Tell
from subpixel.batch.run import FolderRun, Item, Listener, Wanted
from subpixel.batch.settings import settings_of
from subpixel.batch.suspects import Suspects
from subpixel.batch.watching import LOOK_S, Watch
from subpixel.errors import Cancelled, PictureMissing, PictureUnreadable, SettingError, names_like
from subpixel.plan import targets_of
from subpixel.types import Quality
from subpixel.upscaler import Upscaler
from subpixel.zoo import DEFAULT_QUALITY


@dataclass(frozen=True, slots=True)
class Watching:
    """To go on looking for new pictures.

    Attributes:
        every: seconds between two looks.
        idle: called each time that everything which is there is through.
        interruptible: Ctrl-C ends it in order, as `cancel` does.
    """

    every: float = LOOK_S
    idle: Callable[[], None] = lambda: None
    interruptible: bool = False


def upscale_folder(
    source: str | Path,
    output: str | Path | None = None,
    *,
    scale: float | None = None,
    scales: Sequence[float] | None = None,
    width: int | None = None,
    height: int | None = None,
    model: str | Path | None = None,
    quality: Quality = DEFAULT_QUALITY,
    restore: bool | None = None,
    upscaler: Upscaler | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    format: str | None = None,
    file_quality: int | None = None,
    lossless: bool | None = None,
    overwrite: bool = False,
    pixel_limit: int | None = None,
    watch: bool = False,
    progress: Tell | None = None,
    made: Made | None = None,
    failed: Failed | None = None,
    cancel: threading.Event | None = None,
) -> Report:
    """Make every picture under a folder larger, sub-folders included. What is finished is not made again.

    A journal in ``.subpixel`` among the results says what was made of what. The same call again makes what is missing,
    what has another input now, and everything if settings changed; a call that was killed at any moment is finished by
    the next one. Pictures that fail do not stop the others.

    Args:
        source: the folder.
        output: the folder of results, which mirrors it, or a pattern of names with ``{name}`` and ``{scale}``; None:
            beside it, as ``holiday-x4``.
        scale: factor, above 0 and up to 16; 4 if nothing else is given.
        scales: several factors, in place of `scale`.
        width: width to fit inside.
        height: height to fit inside.
        model: a model's or family's name, or a path to one; None: by `quality`.
        quality: how much a better picture is worth.
        restore: True or False: networks trained on squeezed pictures, or not; None: as each picture needs.
        upscaler: used in place of one made from `model`, `quality` and `restore`; stays open.
        include: patterns, as ``"*.jpg"``: only pictures that one of them fits; see `Filters`.
        exclude: patterns of pictures and folders that are left out.
        format: format to write, by name; None: each input's.
        file_quality: 1–100 for formats with loss.
        lossless: for formats that have both.
        overwrite: make everything anew, and replace files that this did not make.
        pixel_limit: largest number of pixels read; None for the default.
        watch: go on with new pictures as they arrive, until `cancel` is set.
        progress: told a few times a second how far everything is, from this thread.
        made: told of each picture's results, from this thread, in the order in which they are finished.
        failed: told of each failure, from this thread.
        cancel: set it, from any thread, to stop; what is finished stays.

    Returns:
        What became of the pictures. Where some failed, it also stands in ``.subpixel``, as ``report.json`` and
        ``report.txt``.

    Raises:
        Cancelled: `cancel` was set, without `watch`.
        PictureMissing, PictureUnreadable: there is no such folder, or it is a file.
        SettingError: an argument that cannot be right.
        OutputUnwritable: the folder of results cannot be written, or another run is at work in it.
        DiskFull: no room is left.
        ModelError, EngineError: as `Upscaler`.
    """
    folder = Path(source)
    if not folder.exists():
        raise PictureMissing(f"{folder} does not exist", names_like(folder))
    if not folder.is_dir():
        raise PictureUnreadable(f"{folder} is not a folder", "for one picture there is subpixel.upscale")
    targets = targets_of(scale, scales, width, height)
    naming = Naming(None if output is None else str(output), tuple(one.label for one in targets), format)
    coding = PictureCoding(format, file_quality, lossless, overwrite, pixel_limit)
    with ExitStack() as stack:
        if upscaler is None:
            upscaler = stack.enter_context(Upscaler(model, quality=quality, restore=restore))
        listener = Listener(
            made=made or (lambda results: None),
            failed=failed or (lambda failure: None),
            progress=progress or (lambda progress: None),
        )
        (report,) = run_folders(
            [Folder(folder, naming, Filters(tuple(include), tuple(exclude)))],
            upscaler,
            Wanted(tuple(targets), coding),
            listener,
            cancel=cancel,
            watching=Watching() if watch else None,
        )
    return report


def run_folders(
    folders: Sequence[Folder],
    upscaler: Upscaler,
    wanted: Wanted,
    listener: Listener,
    *,
    within: str | None = None,
    cancel: threading.Event | None = None,
    watching: Watching | None = None,
    whole_program: bool = False,
) -> list[Report]:
    """Work through some folders, one run for each place that results go to.

    Args:
        folders: they.
        upscaler: makes them larger.
        wanted: what is made of each picture.
        listener: who is told.
        within: the time that chose the upscaler's networks, as it was typed.
        cancel: set it to stop.
        watching: go on with new pictures; None: until all are through.
        whole_program: the program does nothing else: should it come to a sudden end, it is written down how.

    Raises:
        SubpixelError: as `upscale_folder`.
    """
    cancel = cancel or threading.Event()
    settings = settings_of(upscaler, wanted.targets, wanted.coding, within)
    reports = []
    places = by_root(folders)
    if watching is not None and len(places) > 1:
        raise SettingError(
            f"{len(places)} folders are to be watched, with results in as many places",
            "give one place for all, as -o results/",
        )
    for root, some in places.items():
        report = Report(root)
        reports.append(report)
        with Journal(root, settings, overwrite=wanted.coding.overwrite) as journal, ExitStack() as stack:
            stack.callback(report.keep, journal.kept)
            suspects = Suspects(journal.kept)
            stack.callback(suspects.close)
            if whole_program:
                stack.enter_context(suspects.watching())
            for line in filter(None, (journal.note, suspects.note)):
                _noted(report, listener, line)
            run = FolderRun(upscaler, wanted, journal, report, listener, cancel=cancel, suspects=suspects)
            if watching is None:
                _once(run, some, stack)
            else:
                _watched(run, some, watching)
    return reports


def _once(run: FolderRun, folders: Sequence[Folder], stack: ExitStack) -> None:
    """All pictures that are there."""
    total, counted = Total(), threading.Event()
    run.total = total
    walks = [folder.walk(run.journal) for folder in folders]
    counter = threading.Thread(target=total.count, args=(walks, counted.is_set), daemon=True)
    counter.start()
    stack.callback(counter.join)
    stack.callback(counted.set)  # called before the line above
    items: Iterator[Item] = chain.from_iterable(
        folder.items(run.journal, lambda line: _noted(run.report, run.listener, line)) for folder in folders
    )
    run.run(items)


def _watched(run: FolderRun, folders: Sequence[Folder], watching: Watching) -> None:
    """All pictures that are there, and that will be, until the run is cancelled."""

    def idle() -> None:
        run.report.keep(run.journal.kept)
        watching.idle()

    watch = Watch(folders, run.journal, run.cancel, watching.every, idle)
    run.again = watch.again
    try:
        run.run(watch.items())
    except Cancelled:
        return
    except KeyboardInterrupt:
        if not watching.interruptible:
            raise


def _noted(report: Report, listener: Listener, line: str) -> None:
    report.notes.append(line)
    listener.note(line)
