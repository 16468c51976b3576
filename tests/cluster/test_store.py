"""Places named by URLs: results in a store are whole, made once, and go on where a run was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from subpixel.cluster import upscale_cluster
from subpixel.cluster.places import Place, is_url
from subpixel.cluster.record import Record
from subpixel.errors import Cancelled, OutputUnwritable, PictureMissing, SettingError
from tests.batch.conftest import draw
from tests.cluster.conftest import Store, contents


def run(source: str | Path, output: str | Path, **options: object):  # type: ignore[no-untyped-def]
    words = {"scale": 2, "model": "espcn", "threads": 2, **options}
    return upscale_cluster(source, output, None, **words)  # type: ignore[arg-type]


def test_from_store_to_store(store: Store, pictures: Path, alone: dict[str, bytes]) -> None:
    source, output = store.fill(pictures, "in"), store.at("out")
    report = run(source, output)
    assert (report.made, report.unchanged, len(report.failed)) == (8, 0, 1)
    assert store.contents("out") == alone
    assert report.failed[0].error.what.startswith("s3://photos/in/bad.png is not a picture")
    assert {"report.json", "report.txt"} <= set(store.kept("out"))
    assert not any(name.startswith(("coming/", "lock")) for name in store.kept("out"))

    before = store.times("out")
    again = run(source, output)
    assert (again.made, again.unchanged, len(again.failed)) == (0, 8, 1)
    assert store.times("out") == before, "nothing finished is written again"


def test_new_and_changed_pictures_are_made(store: Store, tmp_path: Path) -> None:
    for index in range(3):
        draw(tmp_path / f"p{index}.png", seed=index)
    source, output = store.fill(tmp_path, "growing"), store.at("grown")
    assert run(source, output).made == 3
    draw(tmp_path / "p1.png", seed=9)
    draw(tmp_path / "p3.png", seed=3)
    store.fs.put_file(str(tmp_path / "p1.png"), "photos/growing/p1.png")
    store.fs.put_file(str(tmp_path / "p3.png"), "photos/growing/p3.png")
    report = run(source, output)
    assert (report.made, report.anew, report.unchanged) == (2, 1, 2)
    settings = run(source, output, scale=3)
    assert (settings.made, settings.anew, settings.unchanged) == (4, 4, 0)
    assert any("scale x2 → x3" in note for note in settings.notes)
    everything = run(source, output, scale=3, overwrite=True)
    assert everything.made == 4


def test_what_others_put_there_stays(store: Store, tmp_path: Path) -> None:
    draw(tmp_path / "p.png")
    source = store.fill(tmp_path, "mine")
    store.fs.pipe_file("photos/theirs/p.png", b"precious")
    report = run(source, store.at("theirs"))
    assert [type(one.error).__name__ for one in report.failed] == ["OutputExists"]
    assert store.contents("theirs") == {"p.png": b"precious"}
    assert run(source, store.at("theirs"), overwrite=True).made == 1


def test_from_and_to_this_computer(store: Store, pictures: Path, alone: dict[str, bytes], tmp_path: Path) -> None:
    up = run(pictures, store.at("up"))
    assert (up.made, store.contents("up")) == (8, alone)
    down = run(store.fill(pictures, "in"), tmp_path / "down")
    assert (down.made, contents(tmp_path / "down")) == (8, alone)
    assert run(store.at("in"), tmp_path / "down").unchanged == 8


def test_another_kind_of_place(pictures: Path, alone: dict[str, bytes]) -> None:
    """One with folders, neither of this computer nor a store: fsspec's own in memory."""
    fsspec = pytest.importorskip("fsspec")
    fs = fsspec.filesystem("memory")
    fs.put(str(pictures), "/in", recursive=True)
    assert run("memory://in", "memory://out").made == 8
    assert {name: fs.cat_file(f"/out/{name}") for name in alone} == alone
    assert run("memory://in", "memory://out").unchanged == 8


def test_patterns_and_single_pictures(store: Store, pictures: Path) -> None:
    source = store.fill(pictures, "in")
    run(source, store.at("named") + "/{name}@{scale}x.png", include=["p2*", "p1*"], scale=None, scales=(2, 3))
    assert store.names("named") == {"p2@2x.png", "p2@3x.png", "sub/p1@2x.png", "sub/p1@3x.png"}
    run(f"{source}/p2.png", store.at("single") + "/large.png")
    run(f"{source}/p2.png", store.at("single") + "/")
    made = store.contents("single")
    assert set(made) == {"large.png", "p2-x2.png"}
    assert made["large.png"] == made["p2-x2.png"]


@pytest.mark.parametrize(
    ("source", "output", "kind", "said"),
    [
        ("s3://photos/nothing", "s3://photos/x", PictureMissing, "s3://photos/nothing does not exist"),
        ("s3://nobody/in", "s3://photos/x", PictureMissing, "s3://nobody/in does not exist"),
    ],
)
def test_missing_places(store: Store, source: str, output: str, kind: type[Exception], said: str) -> None:
    report = run(source, output)
    assert isinstance(report.failed[0].error, kind)
    assert said in str(report.failed[0].error)
    assert store.names("x") == set()


@pytest.mark.parametrize(
    ("source", "output", "kind", "said"),
    [
        ("s3://photos/in", "s3://nobody/out", OutputUnwritable, "s3://nobody/out cannot be written"),
        ("s3://photos/in", "s3://photos/in", OutputUnwritable, "is that of the pictures"),
        ("gs://photos/in", "out", SettingError, "pip install gcsfs"),
        ("nothing://photos/in", "out", SettingError, "nothing knows nothing://"),
    ],
)
def test_wrong_places(store: Store, source: str, output: str, kind: type[Exception], said: str, tmp_path: Path) -> None:
    if source.startswith("gs:"):
        pytest.importorskip("fsspec")
        try:
            import gcsfs  # noqa: F401
        except ImportError:
            pass
        else:
            pytest.skip("gcsfs is installed")
    with pytest.raises(kind, match=said):
        run(source, output if "://" in output else tmp_path / output)


def test_two_runs_do_not_write_to_one_place(store: Store) -> None:
    first = Record(Place.of(store.at("held")), {"scale": "x2"})
    try:
        with pytest.raises(OutputUnwritable, match=r"another run .* is at work in s3://photos/held"):
            Record(Place.of(store.at("held")), {"scale": "x2"})
    finally:
        first.close(finished=True)
    Record(Place.of(store.at("held")), {"scale": "x2"}).close(finished=True)
    assert store.kept("held") == [], "a place where nothing was made is left as it was"


def test_many_journal_objects_become_one(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subpixel.cluster.record._MANY", 3)
    draw(tmp_path / "p.png")
    source = store.fill(tmp_path, "few")
    assert run(source, store.at("few-large")).made == 1
    for _ in range(3):
        assert run(source, store.at("few-large")).unchanged == 1
    assert len([name for name in store.kept("few-large") if name.startswith("journal/")]) <= 6


def test_cancelled(store: Store, pictures: Path, alone: dict[str, bytes]) -> None:
    source, cancel = store.fill(pictures, "in"), threading.Event()
    with pytest.raises(Cancelled):
        run(source, store.at("stopped"), cancel=cancel, made=lambda results: cancel.set(), threads=1)
    some = len(store.names("stopped"))
    assert some > 0
    report = run(source, store.at("stopped"))
    assert report.made + some >= 8
    assert report.unchanged == 8 - report.made
    assert store.contents("stopped") == alone


def test_killed_and_begun_again(store: Store, pictures: Path, alone: dict[str, bytes]) -> None:
    """SIGKILL at some moment: the next run makes the rest, nothing twice, and ends with the same files."""
    source, output = store.fill(pictures, "in"), "killed"
    words = ["upscale", source, "-o", store.at(output), "-s", "2", "-m", "espcn", "--threads", "1"]
    program = "import sys; from subpixel.cli.start import main; main()"
    process = subprocess.Popen([sys.executable, "-c", program, *words], stdout=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while len(store.names(output)) < 3 and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = store.times(output)
    report = run(source, store.at(output))
    after = store.times(output)
    assert store.contents(output) == alone
    assert report.made + report.unchanged == 8
    assert report.unchanged >= len(before), "what has its name is finished"
    assert {key: after[key] for key in before} == before
    assert not any(name.startswith(("coming/", "lock")) for name in store.kept(output))


def test_urls_are_told_from_names() -> None:
    assert all(map(is_url, ("s3://a/b", "gs://a", "file:///a", "abfs://c@d/e")))
    assert not any(map(is_url, ("photo.jpg", "/a/b", "a:b", "C:/photos", "{name}@2x.png")))
