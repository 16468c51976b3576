"""What is finished is not made again, what is not is, and nothing that somebody else made is lost."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import subpixel
from subpixel.batch.journal import Journal
from subpixel.errors import DiskFull, OutputExists, OutputUnwritable, SubpixelError
from tests.batch.conftest import Run, draw, facts, files


def test_again_makes_nothing(run: Run) -> None:
    run.draw("a.png", "deep/b.png")
    run()
    before = facts(run.output)
    assert run().line == "0 made, 2 there already"
    assert facts(run.output) == before


def test_only_what_is_other_is_made_anew(run: Run) -> None:
    run.draw("a.png", "b.png", "c.png", "d.png")
    run()
    before = facts(run.output)
    draw(run.source / "a.png", seed=77)
    os.utime(run.source / "b.png")  # another time, the same picture
    (run.output / "c.png").unlink()
    draw(run.source / "e.png")
    assert run().line == "3 made (1 of them anew), 2 there already"
    after = facts(run.output)
    assert {name for name in before if before[name] == after[name]} == {"b.png", "d.png"}
    assert after["a.png"][2] != before["a.png"][2]
    assert after["c.png"][2] == before["c.png"][2]
    assert run().line == "0 made, 5 there already"


def test_other_settings_are_told_and_made_anew(run: Run, quick: subpixel.Upscaler) -> None:
    run.draw("a.png", "b.png")
    run()
    report = run(scale=3)
    assert report.line == "2 made (2 of them anew)"
    assert report.notes == ["other settings than in the last run (scale x2 → x3): its results are made anew"]
    assert subpixel.read(run.output / "a.png").size.width == 90
    with subpixel.Upscaler("swift", engine="fake", threads=1) as other:
        report = run(scale=3, upscaler=other)
    assert report.anew == 2
    assert "model espcn-x2, espcn-x3, espcn-x4 → " in report.notes[0]
    assert "swift-x2, swift-x3, swift-x4" in report.notes[0]
    with subpixel.Upscaler("swift", engine="fake", threads=2, tile=64) as same:
        assert run(scale=3, upscaler=same).line == "0 made, 2 there already", "threads and tiles change no result"


def test_moved_folders_are_known(run: Run) -> None:
    run.draw("a.png", "deep/b.png")
    run()
    (run.folder / "new").mkdir()
    shutil.move(run.source, run.folder / "new/in")
    shutil.move(run.output, run.folder / "new/out")
    report = run(run.folder / "new/out", source=run.folder / "new/in")
    assert report.line == "0 made, 2 there already"


def test_nothing_of_others_is_replaced(run: Run) -> None:
    run.draw("a.png", "b.png", "c.png")
    run.output.mkdir()
    (run.output / "a.png").write_bytes(b"mine")
    report = run()
    assert (report.made, len(report.failed)) == (2, 1)
    assert isinstance(report.failed[0].error, OutputExists)
    (run.output / "b.png").write_bytes(b"painted over")
    assert run().unchanged == 2, "somebody's work on a result is left alone"
    draw(run.source / "b.png", seed=5)
    report = run()
    assert "was changed by somebody else since it was made" in str(report.failed[-1].error)
    assert [(run.output / name).read_bytes() for name in ("a.png", "b.png")] == [b"mine", b"painted over"]
    report = run(overwrite=True)
    assert (report.made, report.failed) == (3, [])
    assert subpixel.read(run.output / "a.png").size.width == 60


def test_another_folder_does_not_replace_results(run: Run) -> None:
    run.draw("a.png")
    run()
    draw(run.folder / "other/a.png", seed=9)
    draw(run.folder / "other/b.png", seed=9)
    before = (run.output / "a.png").read_bytes()
    report = run(source=run.folder / "other")
    assert report.made == 1
    assert f"was made from {run.source / 'a.png'}" in str(report.failed[0].error)
    assert (run.output / "a.png").read_bytes() == before


def test_overwriting_goes_on_after_a_stop(run: Run) -> None:
    run.draw(*(f"{number}.png" for number in range(6)))
    run()
    before = facts(run.output)

    class Stop(Exception):
        pass

    def stop(results: object) -> None:
        raise Stop

    with pytest.raises(Stop):
        run(overwrite=True, made=stop)
    middle = facts(run.output)
    anew = {name for name in middle if middle[name][:2] != before[name][:2]}
    assert 1 <= len(anew) < 6
    report = run(overwrite=True)
    assert (report.made, report.unchanged) == (6 - len(anew), len(anew))
    assert run(overwrite=True).made == 6, "the last one came to its end"


def test_two_runs_at_once(run: Run) -> None:
    run.draw("a.png")
    with (
        Journal(run.output, {}) as journal,
        pytest.raises(OutputUnwritable, match=rf"another run \(process {os.getpid()} on .* is at work in"),
    ):
        journal.enter(run.output, False)
        run()
    assert run().made == 1


def test_a_damaged_journal_is_put_aside(run: Run) -> None:
    run.draw("a.png", "b.png")
    run()
    (run.output / ".subpixel/journal.sqlite").write_bytes(b"rubbish" * 999)
    (run.output / "b.png").unlink()
    report = run()
    assert (report.made, len(report.failed)) == (1, 1), "what is there is not known any more, and stays"
    assert "was damaged" in report.notes[0]


def test_a_newer_journal_is_left_alone(run: Run) -> None:
    import sqlite3

    run.draw("a.png")
    run()
    data = sqlite3.connect(run.output / ".subpixel/journal.sqlite")
    data.execute("PRAGMA user_version = 99")
    data.close()
    with pytest.raises(OutputUnwritable, match="newer version of subpixel"):
        run()


def test_results_that_cannot_be_written(run: Run) -> None:
    run.draw("a.png", "deep/b.png")
    run.output.write_text("a file")
    with pytest.raises(OutputUnwritable, match="a file is in the way"):
        run()
    run.output.unlink()
    run.output.mkdir()
    (run.output / "deep").write_text("a file in the way of a folder")
    report = run()
    assert files(run.output) == {"a.png", "deep"}
    assert "a file is in the way" in str(report.failed[0].error)


def test_a_full_disk_ends_the_run(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from subpixel.image import writing

    run.draw(*(f"{number}.png" for number in range(9)))
    real, count = writing.settle, [0]

    def settle(made: object, final: Path, target: object, overwrite: bool) -> None:
        count[0] += 1
        if count[0] > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(made, final, target, overwrite)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(writing, "settle", settle)
        with pytest.raises(DiskFull, match="the disk is full"):
            run()
    assert len(files(run.output)) == 2
    assert run().line == "7 made, 2 there already"


def test_an_input_that_changes_while_it_is_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from subpixel import image

    run.draw("a.png", "b.png")
    real, count = image.open_picture, [0]

    def read(source: Path, **options: int) -> subpixel.Picture:
        picture = real(source, **options)
        if source.name == "a.png" and count[0] < 1:
            count[0] += 1
            draw(source, 40, 40, seed=6)
        return picture

    monkeypatch.setattr(image, "open_picture", read)
    assert run().made == 2
    assert subpixel.read(run.output / "a.png").size.width == 80, "of the picture as it is now"
    draw(run.source / "a.png", seed=1)
    count.clear()

    def always(source: Path, **options: int) -> subpixel.Picture:
        picture = real(source, **options)
        count.append(0)
        draw(source, 20, 30 + len(count), seed=6)
        return picture

    monkeypatch.setattr(image, "open_picture", always)
    report = run()
    assert "changes while it is being read" in str(report.failed[0].error)
    assert subpixel.read(run.output / "a.png").size.width == 80, "what was there stays"


def test_many_files_cost_little(run: Run) -> None:
    """What is kept of a finished picture is on the disk: memory does not grow with their number."""
    program = f"""
import resource, sys
from pathlib import Path
from subpixel.batch.journal import Journal, State
from subpixel.batch.folder import Folder
from subpixel.batch.naming import Naming
from subpixel.batch.deciding import decide, Why
folder = Folder(Path({str(run.source)!r}), Naming({str(run.output)!r}, ("x2",), None))
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with Journal(folder.root, {{}}) as journal:
    before, count = peak(), 0
    for job in folder.items(journal):
        assert decide(job, journal, False).why is Why.FINISHED
        count += 1
    print(count, (peak() - before) // 1024)
"""
    run.draw("a.png")
    picture = (run.source / "a.png").read_bytes()
    many = 1500
    with Journal(run.output, {}) as journal, journal._failing(), journal._data:  # one transaction, to make it quick
        for number in range(many):
            source = run.source / f"{number % 50}" / f"{number}.png"
            target = run.output / source.relative_to(run.source)
            for path in (source, target):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(picture if number == 0 else b"")
            state = source.stat()
            journal._data.execute(
                "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, x'00', ?, ?, ?, ?, NULL, NULL)",
                (os.fsencode(target.relative_to(run.output)), os.fsencode(source), state.st_size, state.st_mtime_ns,
                 journal._settings, 0, target.stat().st_size, target.stat().st_mtime_ns),
            )  # fmt: skip
    (run.source / "a.png").unlink()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    count, megabytes = map(int, done.stdout.split())
    assert count == many
    assert megabytes < 8


def test_errors_of_the_journal_are_for_people(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    run.draw("a.png")

    def add(*words: object) -> None:
        with journal._failing():
            raise sqlite3.OperationalError("database or disk is full")

    with Journal(run.output, {}) as journal, pytest.raises(DiskFull, match="the disk is full"):
        add()
    assert not run.output.exists(), "nothing was made"
    assert issubclass(DiskFull, SubpixelError)
