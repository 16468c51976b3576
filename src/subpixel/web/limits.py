"""What the server takes at most. Every limit is an option of `subpixel serve` or follows from one."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from subpixel.engines.processor import memory_limit, usable_cores

MEGA: Final = 1_000_000
GIGA: Final = 1_000_000_000
_FALLBACK: Final = 4 * GIGA


def worker_memory() -> int:
    """What one of three workers may take unless somebody says it: three tenths of what there is."""
    return int((memory_limit() or _FALLBACK) * 0.3)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits.

    Attributes:
        upload_bytes: of one upload.
        pixels: of an upload, width × height × frames; of a video: of a frame.
        result_pixels: of a result, the same.
        now_pixels: of a result that POST /v1/upscale answers itself.
        now_seconds: expected for that.
        queue: jobs that wait, of all clients.
        jobs_per_client: jobs that wait or run, of one client.
        waiting: requests that wait for a worker: looks, views, previews, and pictures enlarged at once.
        uploads: uploads at the same time.
        uploads_per_client: of one client.
        streams_per_client: open streams of events of one client.
        disk_bytes: all files together.
        free_bytes: left free on the disk.
        keep_seconds: how long jobs are kept when they are over.
        upload_pause: seconds an upload may pause.
        upload_rate: bytes a second that have to come after that time, on average.
        look_seconds: to find out what a file is.
        quiet_seconds: a task may say nothing for so long.
        job_seconds: for one job.
        memory: bytes of one worker.
        attempts: how often a job is begun; more would mean that it brings the server down.
        small_seconds: expected time up to which a job takes the quick lane.
        view_side: longest side of a view or preview.
    """

    upload_bytes: int = 500 * MEGA
    pixels: int = 100 * MEGA
    result_pixels: int = 400 * MEGA
    now_pixels: int = 20 * MEGA
    now_seconds: float = 20.0
    queue: int = 1000
    jobs_per_client: int = 500
    waiting: int = 64
    uploads: int = 128
    uploads_per_client: int = 64
    streams_per_client: int = 100
    disk_bytes: int = 20 * GIGA
    free_bytes: int = 500 * MEGA
    keep_seconds: float = 24 * 3600.0
    upload_pause: float = 30.0
    upload_rate: float = 1000.0
    look_seconds: float = 30.0
    quiet_seconds: float = 600.0
    job_seconds: float = 24 * 3600.0
    memory: int = field(default_factory=worker_memory)
    attempts: int = 3
    small_seconds: float = 2.0
    view_side: int = 2048


@dataclass(frozen=True, slots=True)
class Options:
    """How the server runs.

    Attributes:
        data: folder of the jobs.
        limits: what it takes at most.
        token: what every request has to show; None: nothing.
        names: names besides this computer's addresses that the server goes by.
        threads: tiles computed side by side in each worker.
        measure: find out how quick the models are while nothing else is to do.
    """

    data: Path
    limits: Limits = field(default_factory=Limits)
    token: str | None = None
    names: tuple[str, ...] = ()
    threads: int = field(default_factory=usable_cores)
    measure: bool = True
