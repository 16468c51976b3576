"""Quality gates that run with the tests: style, types, the walls between rooms, no PyTorch in upscaling."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
IN_CHECKOUT = pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="runs in a checkout of the project")


def _run(*words: str) -> None:
    name = words[0]
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed: pip install -e '.[dev]'")
    done = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@IN_CHECKOUT
@pytest.mark.parametrize("words", [("ruff", "check", "."), ("ruff", "format", "--check", ".")], ids=["check", "format"])
def test_style(words: tuple[str, ...]) -> None:
    _run(*words)


@IN_CHECKOUT
def test_types() -> None:
    _run("mypy")


@IN_CHECKOUT
def test_walls() -> None:
    if importlib.util.find_spec("importlinter") is None:
        pytest.skip("import-linter is not installed: pip install -e '.[dev]'")
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@IN_CHECKOUT
def test_no_file_is_long() -> None:
    tracked = [
        path for folder in ("src", "tests", "examples", "benchmarks", "docs") for path in ROOT.glob(f"{folder}/**/*.py")
    ]
    assert tracked
    long = {
        str(path.relative_to(ROOT)): lines for path in tracked if (lines := len(path.read_text().splitlines())) > 400
    }
    assert not long


HEAVY = ("torch", "lightning_fabric", "onnx", "onnxruntime", "PIL", "cv2", "pydantic_core", "scipy")


def _modules_after(program: str) -> set[str]:
    """Top-level modules loaded in a fresh interpreter that ran `program`."""
    listing = "\nimport sys; print('\\n' + ' '.join(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", program + listing], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_importing_loads_nothing_heavy() -> None:
    loaded = _modules_after("import subpixel")
    assert not loaded & {*HEAVY, "numpy", "openvino", "pyvips", "typer", "rich"}


def test_every_room_loads_without_torch() -> None:
    program = (
        "import pkgutil, importlib, subpixel\n"
        "for module in pkgutil.walk_packages(subpixel.__path__, 'subpixel.'):\n"
        "    importlib.import_module(module.name)"
    )
    loaded = _modules_after(program)
    assert "numpy" in loaded
    assert not loaded & {"torch", "lightning_fabric", "subpixel_train"}


def test_upscaling_a_file_loads_no_torch(tmp_path: Path) -> None:
    import numpy as np

    import subpixel

    source = tmp_path / "small.png"
    picture = subpixel.Picture(np.full((1, 16, 16, 3), 90, np.uint8))
    subpixel.write(picture, source)
    program = (
        "import sys; from subpixel.cli.start import main\n"
        f"sys.argv = ['subpixel', 'upscale', {str(source)!r}, '--scale', '2']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code in (0, None), end.code"
    )
    loaded = _modules_after(program)
    assert (tmp_path / "small-x2.png").exists()
    assert "openvino" in loaded
    assert not loaded & set(HEAVY) - {"pydantic_core"}
