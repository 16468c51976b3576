"""`subpixel upscale`: what a person types, sees and finds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import subpixel
from subpixel import zoo
from subpixel.types import Size
from tests.cli.conftest import Command, draw


def _files(folder: Path) -> set[str]:
    """Everything in a folder but journals, which stand among results of folders."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(path) for path in found if ".subpixel" not in path.parts}


def test_one_picture(run: Command, tmp_path: Path) -> None:
    source = draw(tmp_path / "a.png")
    ran = run("upscale", source)
    assert ran.code == 0
    assert len(ran.out.splitlines()) == 1
    assert all(part in ran.out for part in ("a-x4.png", "30×20 → 120×80", "-x4, ", " s"))
    assert ran.err == ""
    assert subpixel.read(tmp_path / "a-x4.png").size == Size(120, 80)
    assert _files(tmp_path) == {"a.png", "a-x4.png"}


@pytest.mark.parametrize(
    ("words", "name", "size"),
    [
        (["--scale", "2.7"], "a-x2.7.png", Size(81, 54)),
        (["--width", "100"], "a-w100.png", Size(100, 67)),
        (["--height", "100"], "a-h100.png", Size(150, 100)),
        (["--size", "100x100"], "a-100x100.png", Size(100, 67)),
        (["--scale", "2", "--format", "webp"], "a-x2.webp", Size(60, 40)),
        (["--scale", "0.5"], "a-x0.5.png", Size(15, 10)),
        (["--scale", "16"], "a-x16.png", Size(480, 320)),
    ],
)
def test_sizes_and_names(run: Command, tmp_path: Path, words: list[str], name: str, size: Size) -> None:
    assert run("upscale", draw(tmp_path / "a.png"), *words).code == 0
    assert subpixel.read(tmp_path / name).size == size


def test_output_file_and_its_format(run: Command, tmp_path: Path) -> None:
    source = draw(tmp_path / "a.png")
    assert run("upscale", source, "-o", tmp_path / "b.jpg", "--scale", "2", "--file-quality", "80").code == 0
    assert subpixel.read(tmp_path / "b.jpg").metadata.format == "jpeg"


def test_nothing_is_overwritten_unasked(run: Command, tmp_path: Path) -> None:
    source = draw(tmp_path / "a.png")
    target = tmp_path / "a-x2.png"
    target.write_bytes(b"mine")
    ran = run("upscale", source, "--scale", "2")
    assert ran.code == 4
    assert "--overwrite" in ran.err
    assert len(ran.err.splitlines()) == 1
    assert target.read_bytes() == b"mine"
    assert run("upscale", source, "--scale", "2", "--overwrite").code == 0
    assert subpixel.read(target).size == Size(60, 40)


def test_the_input_itself_is_not_lost(run: Command, tmp_path: Path) -> None:
    source = draw(tmp_path / "a.png")
    before = source.read_bytes()
    assert run("upscale", source, "-o", source).code == 4
    assert source.read_bytes() == before


def test_folder_is_mirrored(run: Command, tmp_path: Path) -> None:
    for index, name in enumerate(("in/a.png", "in/deep/b.jpg", "in/deep/er/c.webp")):
        draw(tmp_path / name, seed=index)
    (tmp_path / "in/notes.txt").write_text("not a picture")
    ran = run("upscale", tmp_path / "in", "-o", tmp_path / "out", "--scale", "2")
    assert ran.code == 0
    assert _files(tmp_path / "out") == {"a.png", "deep/b.jpg", "deep/er/c.webp"}
    assert len(ran.out.splitlines()) == 3
    assert run("upscale", tmp_path / "in", "--scale", "2").code == 0
    assert _files(tmp_path / "in-x2") == {"a.png", "deep/b.jpg", "deep/er/c.webp"}


def test_results_inside_the_folder_are_not_made_larger_again(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    assert run("upscale", ".", "-o", tmp_path / "out", "--scale", "2").code == 0
    assert run("upscale", ".", "-o", tmp_path / "out", "--scale", "2", "--overwrite").code == 0
    assert _files(tmp_path) == {"a.png", "out/a.png"}


@pytest.mark.parametrize("words", [["", "--scale", "2"], [".", "-o", ""]])
def test_an_empty_name_is_not_the_current_folder(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    draw(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    ran = run("upscale", *words)
    assert ran.code == 2
    assert "empty name" in ran.err
    assert _files(tmp_path) == {"a.png"}


def test_in_a_folder_the_others_still_finish(run: Command, tmp_path: Path) -> None:
    draw(tmp_path / "in/a.png")
    (tmp_path / "in/b.png").write_text("hello, I am no picture")
    (tmp_path / "in/c.jpg").write_bytes(draw(tmp_path / "x.jpg", 90, 90).read_bytes()[:900])
    (tmp_path / "in/d.png").write_bytes(b"")
    draw(tmp_path / "in/e.png")
    ran = run("upscale", tmp_path / "in", tmp_path / "missing.png", "-o", tmp_path / "out", "--scale", "2")
    assert ran.code == 1
    assert _files(tmp_path / "out") == {"a.png", "e.png"}
    errors = ran.err.splitlines()
    assert len(errors) == 5
    assert all(line.startswith("subpixel: ") for line in errors)
    assert errors[-1] == "subpixel: 4 of 6 failed"


def test_two_results_never_share_a_name(run: Command, tmp_path: Path) -> None:
    draw(tmp_path / "in/a.png")
    draw(tmp_path / "in/a.jpg", seed=1)
    ran = run("upscale", tmp_path / "in", "-o", tmp_path / "out", "--scale", "2", "--format", "webp")
    assert ran.code == 1
    assert "would both be written" in ran.err
    assert _files(tmp_path / "out") == {"a.webp"}


def test_json(run: Command, tmp_path: Path) -> None:
    source = draw(tmp_path / "a.png")
    ran = run("upscale", source, tmp_path / "none.png", "-o", tmp_path / "out", "--scale", "3", "--json")
    good, bad = (json.loads(line) for line in ran.out.splitlines())
    assert good["input"] == str(source)
    assert good["size"] == [90, 60]
    assert good["models"] in ([zoo.default_models()[3]], [zoo.default_models(restore=True)[3]])
    assert good["seconds"]["total"] > 0
    assert "does not exist" in bad["error"]
    assert ran.code == 1


def test_quiet(run: Command, tmp_path: Path) -> None:
    ran = run("upscale", draw(tmp_path / "a.png"), "--quiet", "--scale", "2")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_plan_runs_nothing(run: Command, tmp_path: Path) -> None:
    ran = run("upscale", draw(tmp_path / "a.png", 300, 400), "--plan", "--scale", "7", "--threads", "2")
    assert ran.code == 0
    for part in ("400×300 → 2800×2100", "-x2  400", "-x4  800", "tiles", "halo", "openvino", "MB", "resample"):
        assert part in ran.out
    assert _files(tmp_path) == {"a.png"}


def test_notes_say_what_is_lost(run: Command, tmp_path: Path) -> None:
    import numpy as np

    source = tmp_path / "a.png"
    subpixel.write(subpixel.Picture(np.full((1, 8, 8, 4), 60_000, np.uint16)), source)
    ran = run("upscale", source, "-o", tmp_path / "a.jpg", "--scale", "2")
    notes = [line for line in ran.out.splitlines() if line.startswith("  note: ")]
    assert any("16" in note for note in notes)
    assert any("transparen" in note.lower() or "alpha" in note.lower() for note in notes)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--scale", "0"], 2, "the factor is 0"),
        (["--scale", "-2"], 2, "the factor is -2"),
        (["--scale", "nan"], 2, "the factor is nan"),
        (["--scale", "17"], 2, "up to 16"),
        (["--scale", "2", "--width", "9"], 2, "both a factor and a size"),
        (["--size", "big"], 2, "3840x2160"),
        (["--width", "0"], 2, "the width is 0"),
        (["--width", "10000"], 2, "at most 16 times"),
        (["--model", "espcn-x33"], 5, "did you mean espcn-x3"),
        (["--model", "./nowhere"], 5, "there is no model at"),
        (["--engine", "openvin"], 2, "did you mean openvino"),
        (["--threads", "0"], 2, "threads is 0"),
        (["--tile", "1"], 2, "tile is 1"),
        (["--file-quality", "200"], 2, "quality is 200"),
        (["--format", "jpg2"], 2, "jpg2"),
        (["-o", "x.unknown"], 2, "unknown"),
        (["-o", "-"], 2, "- was given"),
        (["--lossless", "--format", "jpg"], 2, "cannot be lossless"),
        (["--pixel-limit", "100"], 3, "--pixel-limit"),
    ],
)
def test_wrong_options_get_one_line(run: Command, tmp_path: Path, words: list[str], code: int, said: str) -> None:
    ran = run("upscale", draw(tmp_path / "a.png"), *words)
    assert ran.code == code
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1
    assert _files(tmp_path) == {"a.png"}


def test_missing_file_names_its_neighbour(run: Command, tmp_path: Path) -> None:
    draw(tmp_path / "holiday.png")
    ran = run("upscale", tmp_path / "holliday.png")
    assert ran.code == 3
    assert "did you mean" in ran.err
    assert "holiday.png" in ran.err


def test_folder_without_pictures(run: Command, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    ran = run("upscale", tmp_path / "in")
    assert ran.code == 3
    assert "no pictures in" in ran.err
    assert not (tmp_path / "in-x4").exists()


def test_changed_weights_cost_nothing(run: Command, tmp_path: Path) -> None:
    import shutil

    own = tmp_path / "own"
    shutil.copytree(Path(zoo.__file__).parent / "models" / "espcn-x2", own)
    with (own / "espcn-x2.onnx").open("ab") as weights:
        weights.write(b"x")
    ran = run("upscale", draw(tmp_path / "a.png"), "--scale", "2", "--model", own)
    assert ran.code == 5
    assert "not those of the card" in ran.err
    assert not (tmp_path / "a-x2.png").exists()


def test_help_teaches(run: Command) -> None:
    top = run("--help")
    assert top.code == 0
    assert all(name in top.out for name in ("upscale", "models", "evaluate", "compare", "train", "export"))
    help_text = run("upscale", "--help").out
    assert "subpixel upscale photo.jpg --scale 2.7" in help_text
    assert "--size" in help_text


def test_unknown_command(run: Command) -> None:
    ran = run("upscal")
    assert ran.code == 2
    assert "upscale" in ran.err


def test_version(run: Command) -> None:
    assert run("--version").out == f"subpixel {subpixel.__version__}\n"


def _start(*words: object) -> subprocess.Popen[str]:
    program = "from subpixel.cli.start import main; main()"
    command = [sys.executable, "-c", program, *map(str, words)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_interrupted_leaves_nothing(tmp_path: Path, name: str) -> None:
    """Stopped in the second of two pictures, which is large: the first is there, nothing of the second."""
    draw(tmp_path / "a.ppm")
    draw(tmp_path / "b.ppm", 2000, 2000)
    process = _start("upscale", tmp_path / "a.ppm", tmp_path / "b.ppm", "--threads", "1", "-o", tmp_path / "out")
    assert process.stdout is not None
    assert "a-x4.ppm" in process.stdout.readline()
    time.sleep(0.5)
    process.send_signal(getattr(signal, name))
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.strip() == "subpixel: stopped"
    assert _files(tmp_path) == {"a.ppm", "b.ppm", "out/a-x4.ppm"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_interrupted_while_starting(tmp_path: Path) -> None:
    source = draw(tmp_path / "a.ppm", 2000, 2000)
    for wait in (0.1, 0.2, 0.4):
        process = _start("upscale", source)
        time.sleep(wait)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
        assert "Traceback" not in err
        assert process.returncode in (130, -signal.SIGTERM), "by us, or before Python had begun"
        assert _files(tmp_path) == {"a.ppm"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_interrupted_in_an_import_that_swallows_it(tmp_path: Path, name: str) -> None:
    """Compiled modules turn an interrupt during their import into an ImportError, which looks like a missing engine."""
    code = f"""
import os, signal, sys
import subpixel.engines.openvino as engine
from subpixel.cli.start import main
def broken():
    try:
        os.kill(os.getpid(), signal.{name})
        signal.sigtimedwait([], 5)
    except KeyboardInterrupt as error:
        raise engine.EngineError("initialisation failed") from error
engine._openvino = broken
sys.argv = ["subpixel", "upscale", {str(draw(tmp_path / "a.ppm"))!r}]
main()
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.strip()) == (130, "subpixel: stopped")


def test_a_reader_that_leaves_does_not_stop_the_work(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        draw(tmp_path / "in" / name)
    process = _start("upscale", tmp_path / "in", "-o", tmp_path / "out")
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert _files(tmp_path / "out") == {"a.png", "b.png", "c.png"}


def test_words_that_the_terminal_cannot_show(tmp_path: Path) -> None:
    source = draw(tmp_path / "ü.png")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-c", "from subpixel.cli.start import main; main()", "upscale", str(source)]
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ü-x4.png").exists()


def test_long_names(run: Command, tmp_path: Path) -> None:
    long = "x" * 300
    source = draw(tmp_path / "a.png")
    assert run("upscale", tmp_path / long).code == 3
    assert run("upscale", source, "-o", tmp_path / f"{long}.png").code == 4
    assert run("upscale", source, "--model", long).code == 5
    assert _files(tmp_path) == {"a.png"}


def test_a_failure_leaves_no_empty_folder(run: Command, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_text("no picture")
    assert run("upscale", tmp_path / "bad.png", "-o", tmp_path / "made" / "deep" / "b.png").code == 3
    assert not (tmp_path / "made").exists()


def test_what_is_wrong_for_all_is_said_once(run: Command, tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        draw(tmp_path / "in" / name)
    for words, code in ((["--engine", "openvin"], 2), (["--engine", "fake"], 2), (["--format", "jpg2"], 2)):
        ran = run("upscale", tmp_path / "in", "-o", tmp_path / "out", *words)
        assert ran.code == code
        assert len(ran.err.splitlines()) == 1
    ran = run("upscale", tmp_path / "in", "--engine", "onnxruntime", "--precision", "bf16")
    assert ran.code == 6
    assert len(ran.err.splitlines()) == 1


def test_plan_as_json(run: Command, tmp_path: Path) -> None:
    ran = run("upscale", draw(tmp_path / "a.png", 300, 400), "--plan", "--json", "--scale", "7")
    plan = json.loads(ran.out)
    assert plan["size"] == [2800, 2100]
    assert [step["model"][-3:] for step in plan["passes"]] == ["-x2", "-x4"]
    assert plan["resample"] is True
    assert plan["memory_bytes"] > 0


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_unwritable_folder(run: Command, tmp_path: Path) -> None:
    source = draw(tmp_path / "a.png")
    tmp_path.chmod(0o500)
    try:
        ran = run("upscale", source)
    finally:
        tmp_path.chmod(0o700)
    assert ran.code == 4


def test_unwritable_target(run: Command, tmp_path: Path) -> None:
    source = draw(tmp_path / "a.png")
    (tmp_path / "file").write_text("in the way")
    ran = run("upscale", source, "-o", tmp_path / "file" / "b.png")
    assert ran.code == 4
    assert len(ran.err.splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_full_disk(tmp_path: Path) -> None:
    """The largest file this process may write is small: the system then answers as it does for a full disk."""
    source = draw(tmp_path / "a.png", 100, 100)
    program = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "from subpixel.cli.start import main; main()"
    )
    command = [sys.executable, "-c", program, "upscale", str(source), "--scale", "4"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert _files(tmp_path) == {"a.png"}
