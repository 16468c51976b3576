from __future__ import annotations

from collections.abc import Iterator

import pytest

from subpixel.upscaler import Upscaler
from tests.cli.conftest import run

__all__ = ["run", "swift"]


@pytest.fixture(scope="package")
def swift() -> Iterator[Upscaler]:
    """The quickest networks, on one thread."""
    with Upscaler("swift", threads=1) as upscaler:
        yield upscaler
