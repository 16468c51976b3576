"""The room itself: light to import, quiet, and known as it is."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from importlib import import_module

import subpixel.image
from subpixel.image import FORMATS
from subpixel.image.containers import AMENDED, EMBEDDED


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_importing_loads_no_libvips_and_no_pillow():
    run("""
        import sys, subpixel.image
        from subpixel.image import read, write, from_array, from_pillow, check_target, FORMATS
        assert "pyvips" not in sys.modules and "PIL" not in sys.modules and "cffi" not in sys.modules
    """)


def test_every_public_name_is_there():
    for name in subpixel.image.__all__:
        assert getattr(subpixel.image, name) is not None
    assert set(subpixel.image.__all__) == set(subpixel.image._HOME)


def test_an_unknown_name_is_refused():
    import pytest

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = subpixel.image.nothing


def test_the_table_is_consistent():
    names = [row.name for row in FORMATS]
    suffixes = [suffix for row in FORMATS for suffix in row.suffixes]
    assert len(set(names)) == len(names)
    assert len(set(suffixes)) == len(suffixes)
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in suffixes)
    assert {row.name for row in FORMATS if row.codec != "plain"} == {*EMBEDDED, *AMENDED}
    assert not {*EMBEDDED} & {*AMENDED}
    for name in EMBEDDED + AMENDED:
        module = import_module(f"subpixel.image.containers.{name}")
        assert hasattr(module, "inspect")
        assert hasattr(module, "embed" if name in EMBEDDED else "amend")
    for row in FORMATS:
        assert list(row.bits) == sorted(row.bits)
        assert (row.quality > 0) == (row.coding != "lossless")
        assert not (row.animation and row.pages)


def test_the_cache_of_a_program_that_uses_pyvips_is_left_alone():
    code = """
        import pyvips
        before = pyvips.cache_get_max()
        from subpixel.image.libvips import vips
        vips()
        assert pyvips.cache_get_max() == before
    """
    run(code)
    run("from subpixel.image.libvips import vips\nassert vips().cache_get_max() == 0")


def test_threads_can_be_set():
    run("""
        from subpixel.image import set_threads
        from subpixel.image.libvips import vips
        set_threads(1)
        assert vips().concurrency_get() == 1
    """)


def test_pictures_are_read_in_many_threads_at_once(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    from subpixel.image import read, write
    from subpixel.types import Picture
    from tests.image.pictures import noise

    def there_and_back(number: int) -> bool:
        pixels = noise(1, 40, 50, 3, seed=number)
        write(Picture(pixels), tmp_path / f"{number}.png")
        return bool((read(tmp_path / f"{number}.png").pixels == pixels).all())

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(there_and_back, range(40)))
    assert np.all([path.suffix == ".png" for path in tmp_path.iterdir()])
