"""The next batches are made while the network computes."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import torch

from subpixel_train.data.batches import Batch, Batches


class Prefetch:
    """Batches in a given order, made ahead by threads. Changes nothing about them: each is a function of its index.

    Args:
        batches: where they come from.
        indices: which, in this order, as ``range(start, stop)``.
        depth: batches that wait ready at most; None: three more than threads.
        threads: batches made at a time; None: as many as there are cores that the network does not use, 8 at most.

    Attributes:
        waited: seconds that `next` had to wait so far.
    """

    def __init__(
        self, batches: Batches, indices: Iterable[int], depth: int | None = None, threads: int | None = None
    ) -> None:
        threads = threads or spare_cores()
        self._batches, self._indices, self._depth = batches, iter(indices), depth or threads + 3
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="batches")
        self._waiting: deque[Future[Batch]] = deque()
        self.waited = 0.0

    def __enter__(self) -> Prefetch:
        self._fill()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __iter__(self) -> Iterator[Batch]:
        while True:
            try:
                batch = self.next()
            except StopIteration:
                return
            yield batch

    def next(self) -> Batch:
        """The next batch; raises what making it raised, and StopIteration after the last."""
        self._fill()
        if not self._waiting:
            raise StopIteration
        began = time.perf_counter()
        batch = self._waiting.popleft().result()
        self.waited += time.perf_counter() - began
        self._fill()
        return batch

    def _fill(self) -> None:
        while len(self._waiting) < self._depth and (index := next(self._indices, None)) is not None:
            self._waiting.append(self._pool.submit(self._batches.batch, index))


def spare_cores() -> int:
    """Cores that this process may use besides those of its network, 1 to 8; processes of one machine share evenly."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        cores = os.cpu_count() or 1
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return max(1, min(8, cores // max(1, processes) - torch.get_num_threads()))
