"""A Ray cluster as the hands that make pictures: a task for each, made again elsewhere where a node is lost."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from typing import Any, Final

from subpixel import __version__
from subpixel.cluster import worker
from subpixel.cluster.orders import Lost, Making, Node, Order, Outcome, differing
from subpixel.engines import memory_limit, usable_cores
from subpixel.errors import ClusterError, SettingError

LOCAL: Final = "local"
"""In place of an address: a cluster of this computer alone, which is started and ended."""

_MEMORY: Final = 700_000_000  # for a picture of which nothing is known yet: 12 megapixels take 500 MB
_LARGE: Final = 24_000_000  # pixels: from here on one picture is worth the way of its tiles through the network
_SPREAD: Final = 64  # tiles of one picture in work at a time
_REACH_S: Final = 5.0
_LOOK_S: Final = 60.0
_NODES_S: Final = 2.0
_STORE: Final = 2_000_000_000
_ADDRESS: Final = re.compile(r"(?:ray://)?(?P<host>\[[0-9a-fA-F:]+\]|[^:/\s]+):(?P<port>\d{1,5})")


def is_address(text: str) -> bool:
    """Whether that may be the address of a cluster."""
    return text in (LOCAL, "auto") or text.startswith("ray://") or _ADDRESS.fullmatch(text) is not None


class RayHands:
    """See `Hands`.

    Args:
        address: ``ray://host:10001``, ``host:6379`` from one of its nodes, ``auto`` for the one this computer is in, or
            ``local``.
        making: how pictures are made; a task takes as many cores as it has threads.
        urls: places that the nodes have to read.
        memory: bytes to set aside for a picture of which nothing is known.
        large: pixels from which on the tiles of one picture are computed on many nodes; None: 24 million.

    Raises:
        SettingError: Ray is not installed, or that is no address.
        ClusterError: the cluster cannot be reached, or does not fit to this computer.
        PictureError: its nodes cannot read those places.
    """

    def __init__(
        self,
        address: str,
        making: Making,
        urls: Sequence[str] = (),
        *,
        memory: int = _MEMORY,
        large: int | None = None,
    ) -> None:
        self._ray = ray = _imported()
        self._ours = not ray.is_initialized()
        self._speak: Callable[[], None] = lambda: None
        if self._ours:
            self._speak = _silenced()
            before = signal.getsignal(signal.SIGTERM)
            try:
                _connect(ray, address, making.threads)
            finally:
                if threading.current_thread() is threading.main_thread():
                    signal.signal(signal.SIGTERM, before)
        self._active: dict[Any, Order] = {}
        self._making = making
        self._lines: list[str] = []
        self._meter: Any = None
        self._asked: Any = None
        try:
            self._alive = _living(ray)
            self._looked = time.monotonic()
            self._wide()  # refuses a cluster in which no node has cores enough
            room = [node["Resources"].get("memory", float(memory)) for node in self._alive.values() if _cores(node)]
            self._roomiest = int(max(room))
            self.memory: int | None = min(memory, self._roomiest)
            self.most: int | None = (large or _LARGE) if self.slots > 1 else None
            self._check(urls)
            self._sent = ray.put(making)
            self._meter = _meter(ray)
        except BaseException:
            self.close()
            raise

    @property
    def slots(self) -> int:
        """See `Hands`."""
        return max(1, sum(int(_cores(node) // self._making.threads) for node in self._alive.values()))

    def carry(self, data: bytes) -> Any:
        """See `Hands`."""
        return self._ray.put(data)

    def submit(self, order: Order, data: Any) -> None:
        """See `Hands`."""
        ray = self._ray
        wants = min(order.memory or 0, self._roomiest)
        options: dict[str, Any] = {"memory": wants, "max_retries": 0, "name": order.shown[-60:]}
        if order.spread:
            # It hands out tiles and waits, which takes no core; but on a node that has some.
            from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as Affinity

            able = sorted(name for name, node in self._alive.items() if _cores(node))
            options["num_cpus"] = 0
            options["scheduling_strategy"] = Affinity(able[order.number % len(able)], soft=True)
        else:
            options["num_cpus"] = self._making.threads
        made = _task(ray).options(**options).remote(order, data, self._sent, self._meter)
        self._active[made] = order

    def collect(self, timeout: float) -> list[tuple[Order, Outcome]]:
        """See `Hands`."""
        self._look()
        if not self._active:
            return []
        ready, _ = self._ray.wait(list(self._active), num_returns=1, timeout=timeout)
        if ready:  # and whatever else is there by now
            ready, _ = self._ray.wait(list(self._active), num_returns=len(self._active), timeout=0)
        return [(self._active.pop(ref), self._outcome(ref)) for ref in ready]

    def _outcome(self, ref: Any) -> Outcome:
        from ray import exceptions

        try:
            outcome: Outcome = self._ray.get(ref)
        except exceptions.OutOfMemoryError:
            return Lost("there was not enough memory", memory=True)
        except exceptions.RuntimeEnvSetupError as error:
            raise ClusterError("a node cannot be set up", str(error)) from error
        except exceptions.RayTaskError as error:
            raise ClusterError("a node cannot begin", f"{_last(error)}: is subpixel installed there?") from error
        except exceptions.RayError as error:
            return Lost(f"its node or process was lost ({type(error).__name__})")
        except ConnectionError as error:
            raise ClusterError("the cluster is gone", "the same command goes on when it is back") from error
        return outcome

    def shares(self) -> Mapping[int, float]:
        """See `Hands`."""
        ray, shares = self._ray, {}
        with suppress(Exception):
            if self._asked is not None and ray.wait([self._asked], timeout=0)[0]:
                asked, self._asked = self._asked, None
                shares = ray.get(asked)
            if self._asked is None:
                self._asked = self._meter.shares.remote()
        return shares

    def notes(self) -> list[str]:
        """See `Hands`."""
        lines, self._lines = self._lines, []
        return lines

    def close(self) -> None:
        """See `Hands`."""
        ray = self._ray
        with suppress(Exception):
            for ref in self._active:
                ray.cancel(ref, force=True)
        self._active.clear()
        if self._ours:
            with suppress(Exception):
                ray.shutdown()
            self._speak()
        elif self._meter is not None:
            with suppress(Exception):
                ray.kill(self._meter)

    def _look(self) -> None:
        """See which nodes came and went."""
        if time.monotonic() - self._looked < _NODES_S:
            return
        self._looked = time.monotonic()
        now = _living(self._ray)
        for name in self._alive.keys() - now.keys():
            what = "its unfinished pictures are made on the others"
            self._lines.append(f"the node {_name(self._alive[name])} was lost: {what}")
        if not now and self._alive:
            raise ClusterError("no node of the cluster is left", "the same command goes on when some are back")
        if any(map(_cores, now.values())):
            self._alive = now

    def _wide(self) -> None:
        most = max((_cores(node) for node in self._alive.values()), default=0)
        if most < self._making.threads:
            hint = f"give --threads {int(most)}" if most >= 1 else "start some, as ray start --address=HEAD:6379"
            raise ClusterError(f"no node of the cluster has {self._making.threads} core(s) for a picture", hint)

    def _check(self, urls: Sequence[str]) -> None:
        """Ask every node what it is."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as Affinity

        ray = self._ray
        asked = {
            ray.remote(num_cpus=0, max_retries=1)(_asker())
            .options(scheduling_strategy=Affinity(node, soft=False))
            .remote(_name(facts), tuple(urls), self._making): facts
            for node, facts in self._alive.items()
            if _cores(facts)
        }
        found: list[Node] = []
        for ref, facts in asked.items():
            try:
                answer = ray.get(ref, timeout=_LOOK_S)
            except ray.exceptions.RayTaskError as error:
                raise ClusterError(f"the node {_name(facts)} cannot begin", _last(error)) from error
            except ray.exceptions.GetTimeoutError as error:
                raise ClusterError(f"the node {_name(facts)} does not answer", "see ray status") from error
            except ray.exceptions.RayError:
                continue  # lost meanwhile
            if isinstance(answer, str):
                hint = f"install it there, as pip install 'subpixel[cluster]=={__version__}'"
                raise ClusterError(f"the node {_name(facts)} cannot use subpixel ({answer})", hint)
            found.append(answer)
        mine = worker.look(socket.gethostname(), (), self._making)
        for what in differing(found, mine):
            hint = f"install the same everywhere, as pip install 'subpixel[cluster]=={mine.version}'"
            raise ClusterError(f"the node {what}, this computer has {mine.version}", hint)
        for node in found:
            if node.wrong is not None:
                raise node.wrong.error()
        kinds = {node.arithmetic for node in found}
        if len(kinds) > 1:
            self._lines.append(
                f"the nodes compute in different arithmetic ({', '.join(sorted(kinds))}): "
                "results may differ by a level; --precision fp32 is the same on all"
            )


@cache
def _imported() -> Any:
    """Ray, which says nothing to anybody outside."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise SettingError("--cluster needs Ray, which is not installed", "pip install 'subpixel[cluster]'") from error
    for name in (
        "ray",
        "ray.client_builder",
        "ray.util.client.logsclient",
    ):  # they would tell what is told here in other words
        logging.getLogger(name).setLevel(logging.ERROR)
    return ray


def _silenced() -> Callable[[], None]:
    """Keep Ray from writing the last lines of a lost node's log to standard output, and from taking SIGTERM for itself.

    What is returned gives everything back.
    """
    places: list[tuple[Any, str]] = []
    with suppress(ImportError, AttributeError):
        from ray._private import worker as theirs
        from ray.util.client.logsclient import LogstreamClient

        places = [(theirs, "print_to_stdstream"), (LogstreamClient, "stdstream"), (LogstreamClient, "log")]
    real = [(place, name, getattr(place, name)) for place, name in places if hasattr(place, name)]
    for place, name, _ in real:
        setattr(place, name, lambda *words, **more: None)

    def back() -> None:
        for place, name, before in real:
            setattr(place, name, before)

    return back


def _connect(ray: Any, address: str, threads: int) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error", "configure_logging": True}
    if address == LOCAL:
        have = memory_limit()
        store = _STORE if have is None else min(_STORE, max(100_000_000, have // 8))
        try:
            cores = max(threads, usable_cores())
            ray.init(LOCAL, num_cpus=cores, include_dashboard=False, object_store_memory=store, **quiet)
        except Exception as error:
            raise ClusterError("Ray cannot be started on this computer", _last(error)) from error
        return
    found = _ADDRESS.fullmatch(address)
    if found is not None:
        _answers(address, found["host"].strip("[]"), int(found["port"]))
    elif address != "auto":
        hint = "give ray://HOST:10001, HOST:6379, auto, or nothing for one on this computer alone"
        raise SettingError(f"{address} is no address of a cluster", hint)
    try:
        ray.init(address, **({"log_to_driver": False} if address.startswith("ray://") else quiet))
    except Exception as error:
        text = _last(error)
        if "ersion" in text:
            hint = "install the same versions of Ray and Python here and on the nodes"
            raise ClusterError(f"the cluster at {address} does not fit to this computer: {text}", hint) from error
        hint = "is it running? ray status on its head tells; ray start --head starts one"
        where = (
            "no cluster runs on this computer" if address == "auto" else f"the cluster at {address} cannot be joined"
        )
        raise ClusterError(where, hint) from error


def _answers(address: str, host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), _REACH_S).close()
    except OSError as error:
        reason = error.strerror or str(error) or "no answer"
        hint = f"{reason}; is it running, and the port open?"
        raise ClusterError(f"no cluster answers at {address}", hint) from error


def _living(ray: Any) -> dict[str, Any]:
    return {node["NodeID"]: node for node in ray.nodes() if node["Alive"]}


def _cores(node: Mapping[str, Any]) -> float:
    return float(node["Resources"].get("CPU", 0.0))


def _name(node: Mapping[str, Any]) -> str:
    """Of a node, for people: several may run on one computer."""
    return f"{node.get('NodeManagerHostname') or node['NodeManagerAddress']} ({node['NodeID'][:6]})"


def _last(error: BaseException) -> str:
    """What an error of Ray comes to, in a line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:300]


def _asker() -> Any:
    """A function that is sent whole, so that it can tell where the package is missing."""

    def ask(name: str, urls: tuple[str, ...], making: Any) -> Any:
        try:
            from subpixel.cluster import worker
        except ImportError as error:
            return str(error)
        return worker.look(name, urls, making)

    return ask


@cache
def _task(ray: Any) -> Any:
    return ray.remote(_make)


def _make(order: Order, data: bytes | None, making: Making, meter: Any) -> Outcome:
    """A task: one picture."""
    from subpixel.cluster.tiles import sending
    from subpixel.image import set_threads

    ray = _imported()
    set_threads(making.threads)
    here = ray.get_runtime_context().get_node_id()
    tell = None if meter is None else partial(meter.tell.remote, order.number)
    return worker.make(
        order,
        data,
        making,
        node=f"{socket.gethostname()} ({here[:6]})",
        tell=tell,
        sending=partial(sending, making=making, spread=order.spread) if order.spread else None,
    )


class _Meter:
    """Gathers from all nodes how far their pictures are."""

    def __init__(self) -> None:
        self._shares: dict[int, float] = {}

    def tell(self, number: int, share: float) -> None:
        """A picture is done to that part."""
        self._shares[number] = share

    def shares(self) -> dict[int, float]:
        """What was told since the last call."""
        shares, self._shares = self._shares, {}
        return shares


def _meter(ray: Any) -> Any:
    return ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=0)(_Meter).remote()
