"""The interface against its own description: whatever fits it is answered as it promises."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from hypothesis import HealthCheck, given, settings

from subpixel.web.client import Client
from tests.web.servers import picture

schemathesis = pytest.importorskip("schemathesis", reason="pip install -e '.[dev]'")
_checks = pytest.importorskip("schemathesis.specs.openapi.checks")

ENDLESS = "/v1/events"
"""A stream that has no end; tests/web/test_jobs.py reads it."""
FEW = settings(max_examples=8, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


def description() -> dict[str, Any]:
    """As the server would give it."""
    from subpixel.web.app import create_app
    from subpixel.web.limits import Options

    return create_app(Options(Path()), None).openapi()  # type: ignore[arg-type]


def operations() -> Iterator[tuple[str, str]]:
    """Methods and paths of everything there is."""
    for path, methods in description()["paths"].items():
        if path != ENDLESS:
            for method in methods:
                yield method.upper(), path


@pytest.fixture(scope="module")
def schema(address: str) -> Any:
    """What the server says of itself."""
    return schemathesis.openapi.from_url(f"{address}/openapi.json")


@pytest.fixture(scope="module")
def finished(address: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A job that is done."""
    with Client(address) as client:
        source = picture(tmp_path_factory.mktemp("finished") / "a.png")
        return client.wait(client.submit(source, scale=2, model="espcn")).id


@pytest.mark.parametrize(("method", "path"), list(operations()))
def test_answers_are_as_described(schema: Any, finished: str, method: str, path: str) -> None:
    strategy = schema[path][method].as_strategy()
    known = method == "GET" and "{job_id}" in path

    @FEW
    @given(case=strategy)
    def ask(case: Any) -> None:
        if known:
            case.path_parameters = {"job_id": finished}
        # No description can say which bytes are a picture, and which parts lie within it.
        case.call_and_validate(excluded_checks=[_checks.positive_data_acceptance])

    ask()


def test_every_address_is_described(address: str) -> None:
    with urlopen(f"{address}/openapi.json") as answer:
        made = json.load(answer)
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], path
            assert operation["description"], path
            assert "421" in operation["responses"], (method, path)
    assert made["components"]["schemas"]["Problem"]["properties"]["right"]
