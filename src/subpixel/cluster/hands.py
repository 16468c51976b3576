"""Who makes the pictures: the threads of this process, or, behind the same four calls, a cluster."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any, Protocol

from subpixel.batch.room import Room
from subpixel.cluster import worker
from subpixel.cluster.orders import Making, Order, Outcome
from subpixel.errors import Cancelled


class Hands(Protocol):
    """Makes pictures that are ordered, several at a time.

    Attributes:
        memory: bytes to set aside for a picture of which nothing is known; None: nobody counts.
        most: pixels up to which a picture is made on one node; None: always.
    """

    memory: int | None
    most: int | None

    @property
    def slots(self) -> int:
        """Pictures that can be computed at a time."""
        ...

    def carry(self, data: bytes) -> Any:
        """A picture's bytes where whoever makes it gets them: what `submit` takes, as often as needed."""
        ...

    def submit(self, order: Order, data: Any) -> None:
        """Have a picture made."""
        ...

    def collect(self, timeout: float) -> list[tuple[Order, Outcome]]:
        """Pictures that are through; waits so many seconds for the first."""
        ...

    def shares(self) -> Mapping[int, float]:
        """Of pictures in work, by their numbers, what part is done, 0–1."""
        ...

    def notes(self) -> list[str]:
        """Lines about what happened since the last call."""
        ...

    def close(self) -> None:
        """End; what is not finished is thrown away."""
        ...


class Threads:
    """This process alone: for places that only fsspec reaches, without a cluster.

    Args:
        making: how pictures are made; its threads compute, two more read and write.
    """

    memory: int | None = None
    most: int | None = None

    def __init__(self, making: Making) -> None:
        self._making = making
        self._pool = ThreadPoolExecutor(making.threads + 2, thread_name_prefix="subpixel-picture")
        self._room = Room()
        self._active: dict[Future[Outcome], Order] = {}
        self._shares: dict[int, float] = {}
        self._ended = False
        _ = worker.upscaler_for(making).choose.restoring  # made here once and not in several threads

    @property
    def slots(self) -> int:
        """See `Hands`."""
        return self._making.threads + 2

    def carry(self, data: bytes) -> Any:
        """See `Hands`."""
        return data

    def submit(self, order: Order, data: Any) -> None:
        """See `Hands`."""
        tell, node = partial(self._tell, order.number), socket.gethostname()
        made = self._pool.submit(worker.make, order, data, self._making, node=node, tell=tell, room=self._room)
        self._active[made] = order

    def _tell(self, number: int, share: float) -> None:
        if self._ended:
            raise Cancelled("stopped", "the same call goes on")
        self._shares[number] = share

    def collect(self, timeout: float) -> list[tuple[Order, Outcome]]:
        """See `Hands`."""
        done, _ = wait(self._active, timeout, FIRST_COMPLETED)
        made = [(self._active.pop(future), future.result()) for future in done]
        for order, _ in made:
            self._shares.pop(order.number, None)
        return made

    def shares(self) -> Mapping[int, float]:
        """See `Hands`."""
        return dict(self._shares)

    def notes(self) -> list[str]:
        """See `Hands`."""
        return []

    def close(self) -> None:
        """See `Hands`."""
        self._ended = True
        for future in self._active:
            future.cancel()
        self._pool.shutdown(wait=True)
