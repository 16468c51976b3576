"""The loop of a worker: limits first, then one task after the other from standard input, answers on standard output."""

from __future__ import annotations

import argparse
import contextlib
import os
import queue
import sys
import threading
import traceback
from typing import BinaryIO, Final

from pydantic import ValidationError

from subpixel.web.messages import WORK, Failed, Ready, Reply, Share, Word, Work
from subpixel.web.worker.confinement import confine, give_back

_STEP: Final = 0.005
"""Least advance that is worth a line."""


class _Server:
    """The server at the other end of the pipes."""

    def __init__(self, answers: BinaryIO) -> None:
        self._answers = answers
        self._lock = threading.Lock()
        self._share = -1.0
        self.works: queue.Queue[Work] = queue.Queue()
        self.cancel = threading.Event()
        self.number = 0

    def say(self, reply: Reply) -> None:
        """Answer to the task under work."""
        line = Word(number=self.number, reply=reply).model_dump_json().encode() + b"\n"
        with self._lock:
            self._answers.write(line)
            self._answers.flush()

    def share(self, share: float) -> None:
        """Say how far the task is, where that is news."""
        if share >= self._share + _STEP or share < self._share:
            self._share = share
            self.say(Share(share=min(max(share, 0.0), 1.0)))

    def begin(self, work: Work) -> None:
        """A task begins."""
        self.number, self._share = work.number, -1.0
        self.cancel.clear()

    def listen(self) -> None:
        """Take lines until there are no more: then the server is gone, and nobody waits for what is under work."""
        for line in sys.stdin.buffer:
            if line.startswith(b"cancel "):
                if int(line[7:]) == self.number:
                    self.cancel.set()
                continue
            with contextlib.suppress(ValidationError):
                self.works.put(WORK.validate_json(line))
        os._exit(0)


def main() -> None:
    """Confine this process, then work."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--memory", type=int, required=True)
    parser.add_argument("--file", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--nice", type=int, required=True)
    parser.add_argument("--networks", action="store_true")
    given = parser.parse_args()
    confine(memory=given.memory, file=given.file, nice=given.nice)
    # What libraries print must not get between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    server = _Server(answers)
    threading.Thread(target=server.listen, name="subpixel-listen", daemon=True).start()

    from subpixel.web.worker.tasks import Tasks

    tasks = Tasks(given.threads, server.share, server.cancel, memory=given.memory)
    tasks.warm(networks=given.networks)
    server.say(Ready())
    while True:
        work = server.works.get()
        server.begin(work)
        try:
            reply: Reply = tasks.do(work.task)
        except MemoryError:
            right = "use a smaller picture or factor, or give workers more: subpixel serve --memory"
            reply = Failed(slug="memory", detail="the work needs more memory than it may have", right=right)
        except Exception:
            traceback.print_exc()
            reply = Failed(
                slug="internal", detail="the work met an error that nobody foresaw", right="the server's log tells more"
            )
        server.say(reply)
        give_back()


if __name__ == "__main__":
    main()
