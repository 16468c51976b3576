"""When a training is to stop before its end: asked to, or out of time; all its processes after the same step.

And how they part at the end.
"""

from __future__ import annotations

import contextlib
import signal
import time
from types import FrameType, TracebackType
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import distributed


class Stop:
    """Turns Ctrl-C, SIGTERM and a time limit into a stop after the current step; a second Ctrl-C stops at once.

    Args:
        fabric: its processes stop together.
        max_minutes: time limit of this sitting; None: none.
    """

    def __init__(self, fabric: Fabric, max_minutes: float | None) -> None:
        self._fabric = fabric
        self._end = float("inf") if max_minutes is None else time.monotonic() + max_minutes * 60
        self._signalled = False
        self._before: dict[signal.Signals, Any] = {}

    def asked(self) -> bool:
        """True where any process was asked to stop or is out of time. To be called by all after the same step."""
        mine = self._signalled or time.monotonic() > self._end
        if self._fabric.world_size == 1:
            return mine
        asked = self._fabric.all_reduce(torch.tensor(float(mine)), reduce_op="sum")
        assert isinstance(asked, torch.Tensor)
        return bool(asked > 0)

    def __enter__(self) -> Stop:
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(ValueError):  # not in the main thread: whoever runs us handles signals
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self._signalled:
            raise KeyboardInterrupt
        self._signalled = True


def part(fabric: Fabric) -> None:
    """Close the connections between the processes, none before all are done.

    Left to the interpreter's exit, a thread of theirs that still runs there aborts the process, now and then.
    """
    if distributed.is_available() and distributed.is_initialized():
        fabric.barrier()
        distributed.destroy_process_group()
