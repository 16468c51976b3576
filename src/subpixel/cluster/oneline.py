"""`subpixel.cluster.upscale_cluster`: folders anywhere, in one line."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from subpixel.batch.finding import KEPT, Filters, Total
from subpixel.batch.folder import Folder, by_root
from subpixel.batch.journal import Journal
from subpixel.batch.naming import Job, Naming, PictureCoding
from subpixel.batch.report import Failed, Made, Tell
from subpixel.batch.run import Listener, Wanted
from subpixel.batch.settings import settings_of
from subpixel.cluster.books import LocalBook, LocalPiece
from subpixel.cluster.far import FarBook, far_folders
from subpixel.cluster.hands import Hands, Threads
from subpixel.cluster.nodes import LOCAL, RayHands
from subpixel.cluster.orders import Making
from subpixel.cluster.places import Place, is_url, shown
from subpixel.cluster.report import ClusterReport
from subpixel.cluster.run import ClusterRun
from subpixel.cluster.worker import shipped
from subpixel.engines import usable_cores
from subpixel.errors import PictureMissing, PictureUnreadable, SubpixelError, names_like
from subpixel.plan import targets_of
from subpixel.types import PrecisionChoice, Quality
from subpixel.zoo import DEFAULT_QUALITY


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done.

    Attributes:
        making: how pictures are made larger.
        wanted: what is made of each.
        address: of a cluster; None: this process alone, for places that fsspec reaches.
    """

    making: Making
    wanted: Wanted
    address: str | None

    def hands(self, urls: Sequence[str] = ()) -> Hands:
        """Who does it; `urls`: what the nodes have to read.

        Raises:
            ClusterError, SettingError, PictureError: as `RayHands`.
        """
        return Threads(self.making) if self.address is None else RayHands(self.address, self.making, urls)


def upscale_cluster(
    source: str | Path,
    output: str | Path,
    address: str | None = LOCAL,
    *,
    scale: float | None = None,
    scales: Sequence[float] | None = None,
    width: int | None = None,
    height: int | None = None,
    model: str | Path | None = None,
    quality: Quality = DEFAULT_QUALITY,
    restore: bool | None = None,
    engine: str = "openvino",
    precision: PrecisionChoice = "auto",
    threads: int | None = None,
    tile: int | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    format: str | None = None,
    file_quality: int | None = None,
    lossless: bool | None = None,
    overwrite: bool = False,
    pixel_limit: int | None = None,
    progress: Tell | None = None,
    made: Made | None = None,
    failed: Failed | None = None,
    cancel: threading.Event | None = None,
) -> ClusterReport:
    """Make every picture of a folder larger, on many machines; what is finished there is not made again.

    Folders of this computer travel through this process: the nodes need not see them. What is named by a URL
    (``s3://…``, ``gs://…``, ``file:///shared/…``) is read and written by the nodes themselves.

    Args:
        source: folder of pictures: a path, or a URL that fsspec knows.
        output: where results go, the same; or a pattern as ``s3://bucket/{name}@{scale}x.png``.
        address: of a Ray cluster: ``ray://host:10001``, ``host:6379``, ``auto``, or ``local`` for one of this computer
            alone, which is started and ended; None: no cluster, this process does it.
        threads: for each picture; None: 1 on a cluster, else every core.
        progress: told a few times a second how far all nodes are, from this thread.
        scale, scales, width, height, model, quality, restore, include, exclude, format, file_quality, lossless,
            overwrite, pixel_limit, made, failed, cancel: as `subpixel.batch.upscale_folder`.
        engine, precision, tile: as `subpixel.Upscaler`.

    Returns:
        What became of the pictures, and which node made how many.

    Raises:
        ClusterError: the cluster cannot be reached, or its nodes have another version of subpixel.
        SettingError: an argument that cannot be right, or a package is missing.
        Cancelled, PictureMissing, OutputUnwritable, DiskFull, ModelError, EngineError: as `upscale_folder`.
    """
    targets = targets_of(scale, scales, width, height)
    coding = PictureCoding(format, file_quality, lossless, overwrite, pixel_limit)
    name = None if model is None else str(model)
    asked = Making(name, quality, restore, None, engine, precision, tile=tile)
    making = making_of(asked, threads, cluster=address is not None)
    work = Work(making, Wanted(targets, coding), address)
    listener = Listener(
        made=made or (lambda results: None),
        failed=failed or (lambda failure: None),
        progress=progress or (lambda progress: None),
    )
    filters = Filters(tuple(include), tuple(exclude))
    labels = tuple(one.label for one in targets)
    if is_url(str(source)) or is_url(str(output)):
        return run_far([str(source)], str(output), labels, filters, work, listener, cancel)
    folder = Path(source)
    if not folder.exists():
        raise PictureMissing(f"{folder} does not exist", names_like(folder))
    if not folder.is_dir():
        raise PictureUnreadable(f"{folder} is not a folder", "for one picture there is subpixel.upscale")
    naming = Naming(str(output), labels, format)
    (report,) = run_near([Folder(folder, naming, filters)], (), work, listener, cancel)
    return report


def making_of(asked: Making, threads: int | None, *, cluster: bool) -> Making:
    """That, with so many threads, None: as are usual, and with the files of the user's own model.

    Raises:
        SettingError, ModelError: it cannot be right.
    """
    if threads is None:
        threads = 1 if cluster else usable_cores()
    made = replace(asked, threads=threads, files=shipped(asked.model))
    made.upscaler()  # says what is wrong before anything else begins
    return made


def run_near(
    folders: Sequence[Folder],
    jobs: Sequence[Job | tuple[Path, SubpixelError]],
    work: Work,
    listener: Listener,
    cancel: threading.Event | None = None,
) -> list[ClusterReport]:
    """Folders and files of this computer, one run for each place that results go to; all with one cluster.

    Raises:
        SubpixelError: as `upscale_cluster`.
    """
    cancel = cancel or threading.Event()
    upscaler = work.making.upscaler()
    settings = settings_of(upscaler, work.wanted.targets, work.wanted.coding)
    reports = []
    with closing(work.hands()) as hands:
        if jobs:
            reports.append(ClusterReport(Path()))
            run = ClusterRun(hands, LocalBook(None), work.wanted, reports[-1], listener, cancel=cancel)
            pieces = [LocalPiece.of(job) if isinstance(job, Job) else job for job in jobs]
            weights = sum(piece.weight for piece in pieces if isinstance(piece, LocalPiece))
            run.total = Total(len(pieces), weights, known=True)
            run.run(iter(pieces))
        for root, some in by_root(folders).items():
            report = ClusterReport(root)
            reports.append(report)
            with Journal(root, settings, overwrite=work.wanted.coding.overwrite) as journal, ExitStack() as stack:
                stack.callback(report.keep, journal.kept)
                note = _noting(report, listener)
                if journal.note:
                    note(journal.note)
                run = ClusterRun(hands, LocalBook(journal), work.wanted, report, listener, cancel=cancel)
                _counted(run.total, some, journal, stack)
                run.run(_pieces(some, journal, note))
    return reports


def _pieces(
    folders: Sequence[Folder], journal: Journal, note: Callable[[str], None]
) -> Iterator[LocalPiece | tuple[Path, SubpixelError]]:
    for item in chain.from_iterable(folder.items(journal, note) for folder in folders):
        yield LocalPiece.of(item) if isinstance(item, Job) else item


def _counted(total: Total, folders: Sequence[Folder], journal: Journal, stack: ExitStack) -> None:
    """Count the pictures beside the work."""
    stopped = threading.Event()
    counter = threading.Thread(
        target=total.count, args=([folder.walk(journal) for folder in folders], stopped.is_set), daemon=True
    )
    counter.start()
    stack.callback(counter.join)
    stack.callback(stopped.set)


def run_far(
    inputs: Sequence[str],
    output: str | None,
    labels: tuple[str, ...],
    filters: Filters,
    work: Work,
    listener: Listener,
    cancel: threading.Event | None = None,
) -> ClusterReport:
    """Places of which one at least is named by its URL.

    Raises:
        SubpixelError: as `upscale_cluster`.
    """
    coding = work.wanted.coding
    place, folders = far_folders(list(inputs), output, labels, coding.format, filters)
    settings = settings_of(work.making.upscaler(), work.wanted.targets, coding)
    report = ClusterReport(Path(place.shown) if place.carried else shown(place.url))
    note = _noting(report, listener)
    urls = sorted({folder.listing.place.url for folder in folders if not folder.listing.place.carried})
    with FarBook(place, settings, overwrite=coding.overwrite) as book, closing(work.hands(urls)) as hands:
        claimed: dict[str, str] = {}
        found = [piece for folder in folders for piece in folder.items(book, claimed)]
        run = ClusterRun(hands, book, work.wanted, report, listener, cancel=cancel or threading.Event())
        weights = sum(0 if isinstance(piece, tuple) else piece.weight for piece in found)
        run.total = Total(len(found), weights, known=True)
        for folder in folders:
            if folder.listing.films:
                note(f"{folder.listing.films} video(s) left out in {folder.listing.place.shown}")
        try:
            run.run(iter(found))
        finally:
            _kept(report, place)
    return report


def _kept(report: ClusterReport, place: Place) -> None:
    """The report of what failed, beside the results."""
    bad = [failure for failure in report.failed if not isinstance(failure.error, PictureMissing)]
    for suffix, text in (("json", report.as_json), ("txt", report.as_table)):
        name = f"{KEPT}/report.{suffix}"
        if bad:
            place.write(name, text().encode())
            report.table = place.path_of(name)
        else:
            place.remove(name)


def _noting(report: ClusterReport, listener: Listener) -> Callable[[str], None]:
    def note(line: str) -> None:
        report.notes.append(line)
        listener.note(line)

    return note
