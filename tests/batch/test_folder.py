"""A folder made larger: what is made, what is left out, what is told."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import subpixel
from subpixel.batch import Progress
from subpixel.batch.finding import Filters, Walk
from subpixel.errors import Cancelled, OutputUnwritable, PictureMissing, PictureUnreadable, SettingError
from subpixel.types import Size
from tests.batch.conftest import Run, draw, files


def test_the_tree_is_mirrored(run: Run) -> None:
    run.draw("a.png", "deep/b.jpg", "deep/er/c.webp")
    (run.source / "notes.txt").write_text("not a picture")
    (run.source / "clip.MP4").touch()
    (run.source / ".hidden").mkdir()
    draw(run.source / ".hidden/d.png")
    told: list[Progress] = []
    made: list[str] = []
    report = run(progress=told.append, made=lambda results: made.extend(str(one.target.name) for one in results))
    assert files(run.output) == {"a.png", "deep/b.jpg", "deep/er/c.webp"}
    assert (report.made, report.unchanged, report.failed) == (3, 0, [])
    assert sorted(made) == ["a.png", "b.jpg", "c.webp"]
    assert report.notes == [
        f"1 video is left out in {run.source}: name them, as subpixel upscale {run.source}/NAME.mp4"
    ]
    assert subpixel.read(run.output / "deep/b.jpg").size == Size(60, 40)
    assert (told[-1].done, told[-1].total, told[-1].share) == (3, 3, 1.0)
    assert report.megapixels == pytest.approx(3 * 60 * 40 / 1e6)
    assert sorted(path.name for path in (run.output / ".subpixel").iterdir()) == ["journal.sqlite", "lock"]


def test_a_result_is_what_one_picture_alone_gives(run: Run) -> None:
    run.draw("a.png", "b.jpg", "c.tif")
    run()
    for name in ("a.png", "b.jpg", "c.tif"):
        run.upscaler.file(run.source / name, run.folder / name, subpixel.Target(2))
        assert (run.output / name).read_bytes() == (run.folder / name).read_bytes()


@pytest.mark.parametrize(
    ("include", "exclude", "names"),
    [
        ([], [], {"a.png", "B.JPG", "raw/c.jpg", "raw/thumbs/d.png", "x y/é.png"}),
        (["*.jpg"], [], {"B.JPG", "raw/c.jpg"}),
        (["raw/*"], [], {"raw/c.jpg", "raw/thumbs/d.png"}),
        (["raw"], ["*.png"], {"raw/c.jpg"}),
        ([], ["thumbs/"], {"a.png", "B.JPG", "raw/c.jpg", "x y/é.png"}),
        ([], ["raw/thumbs", "[ab].*"], {"raw/c.jpg", "x y/é.png"}),
        (["e\u0301.png"], [], {"x y/é.png"}),
    ],
)
def test_patterns(tmp_path: Path, include: list[str], exclude: list[str], names: set[str]) -> None:
    for name in ("a.png", "B.JPG", "raw/c.jpg", "raw/thumbs/d.png", "x y/é.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = list(Walk(tmp_path, Filters(tuple(include), tuple(exclude))))
    assert {path.as_posix() for path in found if isinstance(path, Path)} == names
    assert len(found) == len(names)


def test_an_empty_pattern_is_refused() -> None:
    with pytest.raises(SettingError, match="--exclude is empty"):
        Filters(exclude=("",))


def test_failures_are_collected(run: Run) -> None:
    run.draw("a.png", "z.png")
    (run.source / "deep").mkdir()
    (run.source / "deep/b.png").write_text("no picture")
    (run.source / "deep/c.jpg").write_bytes(draw(run.folder / "c.jpg", 90, 90).read_bytes()[:900])
    (run.source / "deep/d.png").touch()
    report = run()
    assert files(run.output) == {"a.png", "z.png"}
    assert not (run.output / "deep").exists(), "no folder for nothing"
    assert (report.made, len(report.failed), report.pictures) == (2, 3, 5)
    assert all(isinstance(one.error, PictureUnreadable) for one in report.failed)
    told = json.loads((run.output / ".subpixel/report.json").read_text())
    assert {Path(row["input"]).name for row in told["failed"]} == {"b.png", "c.jpg", "d.png"}
    assert all(row["kind"] == "PictureUnreadable" and row["error"] for row in told["failed"])
    table = (run.output / ".subpixel/report.txt").read_text()
    assert "2 made, 3 of 5 failed" in table.splitlines()[0]
    assert "PictureUnreadable (3): Empty, truncated, or not a picture at all." in table
    for name in ("b.png", "c.jpg", "d.png"):
        draw(run.source / "deep" / name)
    assert run().line == "3 made, 2 there already"
    assert not (run.output / ".subpixel/report.txt").exists(), "of an earlier run"


def test_names_that_meet_are_told(run: Run) -> None:
    run.draw("a.jpg", "a.png", "b.png")
    report = run(format="webp")
    assert files(run.output) == {"a.webp", "b.webp"}
    (failure,) = report.failed
    assert failure.source.name == "a.png"
    assert "a.jpg and" not in failure.error.what
    assert "would both be written to" in failure.error.what
    assert run(format="webp").line == "0 made, 2 there already, 1 of 3 failed", "and it is the same one every time"


def test_results_inside_the_folder_are_no_pictures(run: Run) -> None:
    run.draw("a.png", "deep/b.png")
    assert run(run.source / "large").made == 2
    assert run(run.source / "large").line == "0 made, 2 there already"
    pattern = str(run.source / "{name}@{scale}x.png")
    assert run(pattern, exclude=["large"]).made == 2
    assert run(pattern, exclude=["large"]).line == "0 made, 2 there already"
    names = {"a", "deep/b"}
    assert files(run.source) == {f"{name}{end}.png" for name in names for end in ("", "@2x")} | {
        "large/a.png",
        "large/deep/b.png",
    }


def test_a_folder_among_its_own_results(run: Run) -> None:
    draw(run.folder / "out/in/a.png")
    draw(run.folder / "out/in/in/b.png")
    for expected in ("2 made", "0 made, 2 there already"):
        assert run(source=run.output / "in").line == expected
        assert files(run.output) == {"in/a.png", "in/in/b.png", "a.png", "in/b.png"}


def test_the_folder_itself_is_refused(run: Run) -> None:
    run.draw("a.png")
    with pytest.raises(OutputUnwritable, match="is the input folder"):
        run(run.source)


def test_links_to_folders_are_not_followed(run: Run) -> None:
    run.draw("a.png", "deep/b.png")
    (run.source / "deep/loop").symlink_to(run.source)
    (run.source / "c.png").symlink_to(run.source / "a.png")
    (run.source / "gone.png").symlink_to(run.source / "nowhere.png")
    report = run()
    assert files(run.output) == {"a.png", "deep/b.png", "c.png"}
    assert [one.source.name for one in report.failed] == ["gone.png"]
    assert report.notes == [
        f"1 link to a folder is not followed in {run.source}: give what it leads to beside the folder"
    ]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="for the superuser everything can be read")
def test_a_folder_that_cannot_be_read(run: Run) -> None:
    run.draw("a.png", "shut/b.png")
    (run.source / "shut").chmod(0)
    try:
        report = run()
    finally:
        (run.source / "shut").chmod(0o700)
    assert files(run.output) == {"a.png"}
    assert "shut cannot be read: no permission" in str(report.failed[0].error)


def test_a_folder_that_cannot_be_listed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.draw("a.png", "shut/b.png")
    listed = os.scandir

    def scandir(path: Path) -> object:
        if Path(path).name == "shut":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr("subpixel.batch.finding.os.scandir", scandir)
    report = run()
    assert files(run.output) == {"a.png"}
    assert "shut cannot be read: no permission" in str(report.failed[0].error)


def test_names_of_every_kind(run: Run) -> None:
    names = {"ünï.png", "日本/写真.png", "a b'c\"d$.png", "new\nline.png", "x" * 200 + ".png", "[1]{2}.png"}
    run.draw(*names)
    odd = os.fsdecode(b"caf\xe9.png")
    if sys.platform == "linux":
        (run.source / odd).write_bytes((run.source / "ünï.png").read_bytes())
        names.add(odd)
    assert run().made == len(names)
    assert files(run.output) == names
    assert run().line == f"0 made, {len(names)} there already"


def test_nothing_there(run: Run) -> None:
    with pytest.raises(PictureMissing, match="does not exist"):
        run()
    run.source.mkdir()
    report = run()
    assert "no pictures in" in str(report.failed[0].error)
    assert not run.output.exists()
    run.draw("a.png")
    assert "fit: see what --include" in str(run(include=["*.gif"]).failed[0].error)
    assert not run.output.exists()
    with pytest.raises(PictureUnreadable, match="is not a folder"):
        run(source=run.source / "a.png")


def test_several_sizes(run: Run) -> None:
    run.draw("a.png", "deep/b.png")
    assert run(scales=(2, 3)).made == 2
    assert files(run.output) == {"a-x2.png", "a-x3.png", "deep/b-x2.png", "deep/b-x3.png"}
    (run.output / "a-x3.png").unlink()
    report = run(scales=(2, 3))
    assert report.line == "1 made, 1 there already", "both belong together"
    assert len(files(run.output)) == 4


def test_it_can_be_stopped(run: Run) -> None:
    run.draw(*(f"{number:02}.png" for number in range(20)))
    cancel = threading.Event()
    with pytest.raises(Cancelled, match="the same call goes on"):
        run(cancel=cancel, made=lambda results: cancel.set())
    first = files(run.output)
    assert 1 <= len(first) < 20
    assert not list(run.output.glob(".*.partial"))
    report = run()
    assert (report.made, report.unchanged) == (20 - len(first), len(first))


def test_mistakes_of_ours_stop_nobody(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from subpixel import image

    run.draw("a.png", "b.png", "c.png")
    real = image.open_picture

    def read(source: Path, **options: Any) -> Any:
        if source.name == "b.png":
            raise ZeroDivisionError("division by zero")
        if source.name == "c.png":
            raise MemoryError
        return real(source, **options)

    monkeypatch.setattr(image, "open_picture", read)
    report = run()
    assert report.made == 1
    assert "ZeroDivisionError division by zero: this is a mistake of subpixel" in str(report.failed[0].error)
    assert "needs more memory than there is" in str(report.failed[1].error)
