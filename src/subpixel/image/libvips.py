"""The door to libvips: imported at the first picture, kept quiet, its errors put into words."""

from __future__ import annotations

import atexit
import logging
import sys
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar

_CACHED_OPERATIONS: Final = 0
_POLL_S: Final = 0.05
Result = TypeVar("Result")
_GLIB_DOMAINS: Final = (b"GLib", b"GLib-GObject")
_ALL_LEVELS: Final = 0xFF


@lru_cache(maxsize=1)
def vips() -> Any:
    """The `pyvips` module.

    Its warnings go to the logger ``pyvips``, which gets a null handler: a program that wants them can listen, and
    nothing reaches the terminal otherwise. libvips keeps results of earlier operations (and the pictures they hold) in
    a cache; here every operation runs once, so the cache is switched off, unless the program uses pyvips itself.
    """
    used_elsewhere = "pyvips" in sys.modules
    logging.getLogger("pyvips").addHandler(logging.NullHandler())
    import pyvips

    if not used_elsewhere:
        pyvips.cache_set_max(_CACHED_OPERATIONS)
    _quieten(pyvips)
    return pyvips


def _quieten(pyvips: Any) -> None:
    """Lead what GLib says about hostile files to the logger too; pyvips does so for libvips' own domain alone."""
    callback = getattr(pyvips, "_log_handler_cb", None)
    if callback is None:
        return
    for domain in _GLIB_DOMAINS:
        handler = pyvips.glib_lib.g_log_set_handler(domain, _ALL_LEVELS, callback, pyvips.ffi.NULL)
        # Called back during shutdown, Python would crash: pyvips takes its own handler away at exit in the same way.
        atexit.register(pyvips.glib_lib.g_log_remove_handler, domain, handler)


def set_threads(threads: int) -> None:
    """How many threads libvips uses for coding and decoding; 0 lets it take one per core."""
    vips().concurrency_set(threads)


def reason(error: BaseException) -> str:
    """What libvips says, as one short line: the innermost message, without its own prefixes."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    useful = [line for line in lines if not line.startswith(("unable to call", "unable to write to memory"))]
    line = useful[0] if useful else "unknown reason"
    prefix, separator, rest = line.partition(": ")
    return rest if separator and " " not in prefix else line


def saving(
    saver: str, image: Any, file: int | str, *, ended: Callable[[], None] | None = None, **options: object
) -> Work[None]:
    """Begin to run a saver into an open file, by its descriptor or its path; `ended` is called when it has ended."""
    pyvips = vips()

    def work() -> None:
        if isinstance(file, str):
            pyvips.Operation.call(saver, image, file, **options)
            return
        target = pyvips.Target.new_to_descriptor(file)
        pyvips.Operation.call(f"{saver}_target", image, target, **options)

    return Work(image, work, ended)


def to_memory(image: Any) -> Any:
    """The samples of an image, as a writable buffer. Raises as `interruptible`."""
    return interruptible(image, image.write_to_memory)


def interruptible(image: Any, work: Callable[[], Result]) -> Result:
    """Run libvips in a thread, so that Ctrl-C stops it soon and not when it has finished.

    Args:
        image: what is computed; told to stop on Ctrl-C.
        work: makes libvips compute it.

    Raises:
        pyvips.Error: libvips failed.
        KeyboardInterrupt: the user broke it off; the work has ended when this is raised.
    """
    return Work(image, work).result()


class Work(Generic[Result]):
    """Something that libvips computes in a thread of its own, beginning at once.

    Args:
        image: what is computed; told to stop by `stop`.
        work: makes libvips compute it.
        ended: called in that thread when it has ended, well or not.
    """

    def __init__(self, image: Any, work: Callable[[], Result], ended: Callable[[], None] | None = None) -> None:
        self._image = image
        self._made: list[Result] = []
        self._failed: list[BaseException] = []

        def run() -> None:
            try:
                self._made.append(work())
            except BaseException as error:  # handed to the caller's thread
                # Its frames hold the target, and with it the file, open: without them, the file closes now.
                self._failed.append(error.with_traceback(None))
            finally:
                if ended is not None:
                    ended()

        self._thread = threading.Thread(target=run, name="subpixel-libvips", daemon=True)
        self._thread.start()

    def result(self) -> Result:
        """What the work gives, when it has ended. Raises as `interruptible`."""
        try:
            while self._thread.is_alive():
                self._thread.join(_POLL_S)
        except BaseException:
            self.stop()
            raise
        if self._failed:
            raise self._failed.pop()
        return self._made.pop()

    def stop(self) -> None:
        """Break it off, unless it has ended; it has when this returns."""
        if self._thread.is_alive():
            self._image.set_kill(True)
            self._thread.join()
