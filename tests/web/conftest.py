"""One server for the tests that need no settings of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from subpixel.web.client import Client
from subpixel.web.limits import Limits
from tests.web.servers import picture, serving

UPLOAD = 2_000_000


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that takes uploads of 2 MB and pictures of a megapixel."""
    limits = Limits(upload_bytes=UPLOAD, pixels=1_000_000, result_pixels=4_000_000, now_pixels=200_000)
    with serving(tmp_path_factory.mktemp("data"), limits) as there:
        yield there.address


@pytest.fixture
def http(address: str) -> Iterator[httpx.Client]:
    """A plain HTTP client."""
    with httpx.Client(base_url=address, timeout=60, trust_env=False) as client:
        yield client


@pytest.fixture
def client(address: str) -> Iterator[Client]:
    """The package's client."""
    with Client(address) as made:
        yield made


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of 64×48."""
    return picture(tmp_path_factory.mktemp("photo") / "my photo.png")
