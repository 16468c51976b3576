"""What the server does in figures, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from subpixel import __version__

if TYPE_CHECKING:
    from subpixel.web.desk import Desk
    from subpixel.web.store import Row


class Metrics:
    """Counters of one server.

    Args:
        desk: read when somebody asks for figures.
    """

    def __init__(self, desk: Desk) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "subpixel_requests", "Requests by method and status.", ("method", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "subpixel_request_seconds", "Until the first byte of an answer.", registry=self.registry
        )
        self.jobs = Counter(
            "subpixel_jobs", "Jobs that are over, by how they ended.", ("state",), registry=self.registry
        )
        self.waited = Histogram(
            "subpixel_job_wait_seconds", "From upload to work.", registry=self.registry, buckets=_BUCKETS
        )
        self.worked = Histogram(
            "subpixel_job_work_seconds",
            "From its beginning to its end.",
            registry=self.registry,
            buckets=_BUCKETS,
        )
        self.uploaded = Counter("subpixel_uploaded_bytes", "Bytes of uploads that were taken.", registry=self.registry)
        self.registry.register(_Now(desk))

    def job_over(self, row: Row, state: str, now: float) -> None:
        """A job is over."""
        self.jobs.labels(state).inc()
        if row.started is not None:
            self.waited.observe(max(0.0, row.started - row.created))
            self.worked.observe(max(0.0, now - row.started))

    def text(self) -> bytes:
        """The figures in Prometheus' text format."""
        return bytes(generate_latest(self.registry))


_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)


class _Now(Collector):
    """How things are at this moment."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def collect(self) -> Iterator[Any]:
        """See `Collector`."""
        desk = self._desk
        rows = (
            ("subpixel_jobs_waiting", "Jobs that wait.", desk.waiting.jobs),
            ("subpixel_jobs_running", "Jobs under work.", desk.running),
            ("subpixel_requests_waiting", "Requests that wait for a worker.", desk.waiting.calls + desk.calls.looking),
            ("subpixel_listeners", "Open streams of events.", desk.events.listeners),
            ("subpixel_data_bytes", "Bytes of the files of jobs.", desk.folder.used),
        )
        for name, text, value in rows:
            yield GaugeMetricFamily(name, text, value=value)
        memory = GaugeMetricFamily("subpixel_worker_memory_bytes", "Memory of a worker.", labels=("worker",))
        restarts = GaugeMetricFamily(
            "subpixel_worker_restarts", "How often it fell and was replaced.", labels=("worker",)
        )
        for worker in desk.workers:
            memory.add_metric((worker.kind.name,), worker.used())
            restarts.add_metric((worker.kind.name,), worker.restarts)
        yield memory
        yield restarts
        about = GaugeMetricFamily("subpixel_info", "Version.", labels=("version",))
        about.add_metric((__version__,), 1)
        yield about
