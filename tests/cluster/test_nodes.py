"""Pictures made by a Ray cluster of two nodes on this computer. All in one file, so that it is started once."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import subpixel
from subpixel.cluster import ClusterReport, nodes, upscale_cluster, worker
from subpixel.cluster.orders import Node, Order
from subpixel.errors import Cancelled, ClusterError
from tests.batch.conftest import draw, facts
from tests.cluster.conftest import Store, contents
from tests.turns import taking_turns

pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[dev]'")

_STORE = 80_000_000
_PORT = 24_100 + os.getpid() % 5_000  # not one that Ray takes by itself


class Nodes:
    """Two nodes with one core each; the first is the head."""

    def __init__(self) -> None:
        nodes._imported()  # nothing is told to anybody outside
        from ray.cluster_utils import Cluster

        some = {"num_cpus": 1, "object_store_memory": _STORE}
        head = {**some, "include_dashboard": False, "ray_client_server_port": _PORT}
        self.cluster = Cluster(initialize_head=True, head_node_args=head)
        self.second = self.cluster.add_node(**some)
        self.address: str = self.cluster.address
        self.client = f"ray://127.0.0.1:{_PORT}"
        end = time.monotonic() + 60
        while time.monotonic() < end:  # the server for clients is there a little later
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", _PORT), 1).close()
                return
            time.sleep(0.05)
        raise AssertionError("the cluster takes no clients")

    def kill_at_work(self, node: Any, others: Collection[str]) -> str:
        """End a node as a loss of current does, while it makes a picture that is none of the others; tells its name."""
        raylet = node.all_processes["raylet"][0].process.pid
        end = time.monotonic() + 60
        while time.monotonic() < end:
            for process in Path(f"/proc/{raylet}/task/{raylet}/children").read_text().split():
                with suppress(OSError):  # ended meanwhile; Ray gives a process the name of its task
                    title = Path(f"/proc/{process}/cmdline").read_text()
                    name = re.search(r"^ray::.*?([^/\0]+\.png)", title)
                    if name is not None and name[1] not in others:
                        self.cluster.remove_node(node, allow_graceful=False)
                        return name[1]
            time.sleep(0.005)
        raise AssertionError("the node was never seen at work")


@pytest.fixture(scope="module")
def ray_nodes(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """The store is there first: its address is in the environment of the nodes."""
    with taking_turns(tmp_path_factory), pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_health_check_period_ms", "500")
        patch.setenv("OMP_NUM_THREADS", "1")
        made = Nodes()
        yield made
        made.cluster.shutdown()


@pytest.fixture(scope="module")
def joined(ray_nodes: Nodes) -> Iterator[Nodes]:
    """This process is in the cluster."""
    import ray

    nodes._connect(ray, ray_nodes.address, 1)
    yield ray_nodes
    ray.shutdown()


def run(source: str | Path, output: str | Path, **options: object) -> ClusterReport:
    words = {"scale": 2, "model": "espcn", **options}
    return upscale_cluster(source, output, "auto", **words)  # type: ignore[arg-type]


def command(*words: str) -> subprocess.Popen[str]:
    program = "from subpixel.cli.start import main; main()"
    both = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", program, "upscale", *words], stdout=both, stderr=both, text=True)


def test_by_its_client_address(
    ray_nodes: Nodes, store: Store, pictures: Path, alone: dict[str, bytes], tmp_path: Path
) -> None:
    """``ray://``, as from a computer that is not in the cluster; from a store, which the nodes read themselves."""
    process = command(store.fill(pictures, "in"), "-o", str(tmp_path / "out"), "-s", "2", "-m", "espcn",
                      "--cluster", ray_nodes.client)  # fmt: skip
    out, err = process.communicate(timeout=300)
    assert process.returncode == 1, err
    assert err.splitlines()[-1] == "subpixel: 1 of 9 failed"
    assert [line for line in err.splitlines() if not line.startswith("subpixel: ")] == []
    assert contents(tmp_path / "out") == alone
    assert "8 made, 1 of 9 failed (" in out


def test_from_this_computer(joined: Nodes, pictures: Path, alone: dict[str, bytes], tmp_path: Path) -> None:
    told: list[subpixel.batch.Progress] = []
    report = run(pictures, tmp_path / "out", progress=told.append)
    assert (report.made, len(report.failed)) == (8, 1)
    assert contents(tmp_path / "out") == alone
    assert sum(report.nodes.values()) == 8
    assert (told[-1].done, told[-1].total, told[-1].share) == (9, 9, 1.0)
    before = facts(tmp_path / "out")
    plain = subpixel.batch.upscale_folder(pictures, tmp_path / "out", scale=2, model="espcn")
    assert (plain.made, plain.unchanged) == (0, 8), "the journal is that of a run without nodes"
    assert facts(tmp_path / "out") == before


def test_from_store_to_store(joined: Nodes, store: Store, pictures: Path, alone: dict[str, bytes]) -> None:
    report = run(store.fill(pictures, "in"), store.at("by-nodes"))
    assert (report.made, store.contents("by-nodes")) == (8, alone)
    assert not any(name.startswith(("coming/", "lock")) for name in store.kept("by-nodes"))
    assert run(store.at("in"), store.at("by-nodes")).unchanged == 8


def test_tiles_of_one_picture_on_all_nodes(joined: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The result is that of one computer, to the byte; two networks and a resampling follow one another."""
    monkeypatch.setattr(nodes, "_LARGE", 10_000)
    pixels = np.random.default_rng(1).integers(0, 256, (1, 100, 130, 4), dtype=np.uint8)
    (tmp_path / "in").mkdir()
    subpixel.write(subpixel.Picture(pixels), tmp_path / "in" / "large.png")
    draw(tmp_path / "in" / "small.png")
    words: dict[str, Any] = {"scale": 5.5, "model": None, "quality": "fast", "tile": 64}
    sent: list[str] = []
    real = nodes.RayHands.submit

    def submit(self: nodes.RayHands, order: Order, data: Any) -> None:
        sent.append(f"{order.name} {order.spread}")
        real(self, order, data)

    monkeypatch.setattr(nodes.RayHands, "submit", submit)
    assert run(tmp_path / "in", tmp_path / "out", **words).made == 2
    assert sent.count("large.png 0") == 1
    assert sent.count("large.png 4") == 1
    assert "small.png 4" not in sent
    with subpixel.Upscaler(quality="fast", tile=64, threads=2) as upscaler:
        subpixel.batch.upscale_folder(tmp_path / "in", tmp_path / "alone", scale=5.5, upscaler=upscaler)
    assert contents(tmp_path / "out") == contents(tmp_path / "alone")


def test_a_model_of_ones_own_travels(joined: Nodes, pictures: Path, tmp_path: Path) -> None:
    from subpixel import zoo

    own = tmp_path / "own"
    own.mkdir()
    for path in (Path(zoo.__file__).parent / "models" / "espcn-x2").iterdir():
        (own / path.name).write_bytes(path.read_bytes())
    words: dict[str, Any] = {"model": own, "include": ["p2.png"]}
    assert run(pictures, tmp_path / "out", **words).made == 1
    with subpixel.Upscaler(own) as upscaler:
        subpixel.batch.upscale_folder(
            pictures, tmp_path / "alone", scale=2, upscaler=upscaler, include=["p2.png"]
        )  # fmt: skip
    assert contents(tmp_path / "out") == contents(tmp_path / "alone")


def test_other_versions_are_refused(
    joined: Nodes, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = worker.look
    monkeypatch.setattr(
        worker, "look", lambda *words: Node("here", "9.9.9", mine(*words).networks, "")
    )  # as this computer sees itself; the nodes are other processes
    with pytest.raises(ClusterError, match=r"has subpixel .*, this computer has 9\.9\.9: install the same"):
        run(pictures, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_more_threads_than_a_node_has(joined: Nodes, pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"no node of the cluster has 4 core\(s\) for a picture: give --threads 1"):
        run(pictures, tmp_path / "out", threads=4)


def test_cancelled(joined: Nodes, pictures: Path, alone: dict[str, bytes], tmp_path: Path) -> None:
    cancel = threading.Event()
    with pytest.raises(Cancelled):
        run(pictures, tmp_path / "out", cancel=cancel, made=lambda results: cancel.set())
    assert not list((tmp_path / "out").rglob("*.partial"))
    report = run(pictures, tmp_path / "out")
    assert report.made + report.unchanged == 8
    assert report.unchanged > 0
    assert contents(tmp_path / "out") == alone


SLOW: dict[str, Any] = {"scale": 4, "model": "fine-x4", "precision": "fp32", "quality": "best"}
"""Long enough to be killed in the middle of it."""


def slow_pictures(folder: Path) -> Path:
    for index in range(5):
        draw(folder / f"p{index}.png", 48, 64, seed=index)
    return folder


def test_the_driver_is_killed(ray_nodes: Nodes, joined: Nodes, tmp_path: Path) -> None:
    """SIGKILL of the command midway: the next run makes the rest, nothing twice, and ends with the same files."""
    source, output = slow_pictures(tmp_path / "in"), tmp_path / "out"
    process = command(str(source), "-o", str(output), "-s", "4", "-m", "fine-x4", "--precision", "fp32",
                      "--quality", "best", "--cluster", ray_nodes.address)  # fmt: skip
    end = time.monotonic() + 300
    while not list(output.glob("p*.png")) and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    before = {name: fact for name, fact in facts(output).items() if "partial" not in name}
    assert 0 < len(before) < 5, "killed in the middle"
    report = run(source, output, **SLOW)
    after = facts(output)
    assert report.made + report.unchanged == 5
    assert report.unchanged >= len(before)
    assert {name: after[name] for name in before} == before, "nothing finished is made again"
    assert set(after) == {f"p{index}.png" for index in range(5)}


def test_a_node_is_lost(joined: Nodes, tmp_path: Path) -> None:
    """A node falls midway: the others make its unfinished pictures, and every picture is made exactly once."""
    source, output = slow_pictures(tmp_path / "in"), tmp_path / "out"
    made: Counter[str] = Counter()
    lost: list[str] = []

    def one_made(results: Any) -> None:
        made[results[0].source.name] += 1
        if not lost:
            lost.append(joined.kill_at_work(joined.second, made))

    report = run(source, output, made=one_made, **SLOW)
    assert set(made.values()) == {1}
    assert (report.made, report.failed) == (5, [])
    assert report.again >= 1, "what the lost node had in work was begun again"
    with subpixel.Upscaler("fine-x4", quality="best", precision="fp32") as upscaler:
        subpixel.batch.upscale_folder(source, tmp_path / "alone", scale=4, upscaler=upscaler, include=lost)
    result, alone = contents(output), contents(tmp_path / "alone")
    assert set(alone) == set(lost)
    assert set(result) == {f"p{index}.png" for index in range(5)}
    assert {name: result[name] for name in alone} == alone
    assert "begun again because their node was lost" in report.as_table()
