"""The command: what it says, and what it does where things are in the way."""

from __future__ import annotations

import os
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from subpixel.cli.main import invoke
from subpixel.errors import OutputUnwritable, SettingError
from subpixel.web.folder import Folder
from subpixel.web.limits import Limits
from subpixel.web.serving import open_door


def test_a_port_in_use_gives_way_to_the_next() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        door = open_door("127.0.0.1", port, asked=False)
        door.socket.close()
        assert door.port > port
        assert door.address == f"http://127.0.0.1:{door.port}"
        with pytest.raises(SettingError, match=rf"port {port} is in use: (\d+) is free, as --port \1") as wrong:
            open_door("127.0.0.1", port, asked=True)
        free = re.search(r"--port (\d+)", str(wrong.value))
        assert free is not None and int(free[1]) > port, "the next but one where others take ports meanwhile"


def test_addresses_that_are_none() -> None:
    with pytest.raises(SettingError, match="no address"):
        open_door("192.0.2.1", 0, asked=False)
    with pytest.raises(SettingError, match="65535"):
        open_door("127.0.0.1", 70_000, asked=True)


def test_doors_that_others_can_reach() -> None:
    door = open_door("0.0.0.0", 0, asked=False)
    door.socket.close()
    assert door.is_open
    assert door.address.startswith("http://127.0.0.1:")
    door = open_door("127.0.0.1", 0, asked=False)
    door.socket.close()
    assert not door.is_open


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--token", "short"], "16 or more"),
        (["--token", "x" * 20 + "\u00e4"], "letters, digits"),
        (["--keep", "long"], "--keep 30m, 24h or 7d"),
        (["--upload", "much"], "--upload 500M"),
        (["--memory", "10M"], "500M at least"),
        (["--port", "-1"], "0 to 65535"),
        (["--queue", "0"], "--queue"),
    ],
    ids=lambda given: given[0] if isinstance(given, list) else "",
)
def test_options_that_cannot_be_right(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["serve", "--no-open", *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_a_data_folder_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert invoke(["serve", "--port", "0", "--no-open", "--data", str(tmp_path / "file" / "data")]) == 4
    err = capsys.readouterr().err
    assert "cannot be written" in err
    assert "--data" in err
    assert "Traceback" not in err
    if os.geteuid() != 0:
        (tmp_path / "locked").mkdir()
        (tmp_path / "locked").chmod(stat.S_IRUSR | stat.S_IXUSR)
        with pytest.raises(OutputUnwritable, match="permission denied"):
            Folder(tmp_path / "locked" / "data", Limits())


def test_a_database_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "jobs.sqlite3").write_text("this is not a database, but a text that is long enough")
    words = ["serve", "--port", "0", "--data", str(tmp_path / "data")]
    code = f"from subpixel.cli.main import invoke; print(invoke({words!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip().endswith("4")
    assert "jobs" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_server_points_at_the_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Folder(tmp_path / "data", Limits())
    folder.say("http://127.0.0.1:4567")
    assert invoke(["serve", "--no-open", "--data", str(tmp_path / "data")]) == 0
    assert "subpixel is there already: http://127.0.0.1:4567" in capsys.readouterr().out
    assert invoke(["serve", "--port", "0", "--no-open", "--data", str(tmp_path / "data")]) == 4
    assert "a server works in" in capsys.readouterr().err
    folder.close()


def test_other_commands_do_without_the_web() -> None:
    code = (
        "import sys; from subpixel.cli.main import invoke; import subpixel.upscaler, subpixel.video\n"
        "import subpixel.cli.upscale; invoke(['models'])\n"
        "print(sorted({'fastapi', 'starlette', 'uvicorn', 'pydantic', 'subpixel.web'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_workers_do_without_the_server() -> None:
    code = (
        "import sys; import subpixel.web.worker.__main__, subpixel.web.worker.tasks\n"
        "print(sorted({'fastapi', 'starlette', 'uvicorn', 'sqlite3', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
