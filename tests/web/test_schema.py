"""The interface against its own description: whatever fits it or does not, answers are those that it promises."""

from __future__ import annotations

import io
import urllib.request
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from subpixel.web.client import Client
from tests.web.servers import picture

schemathesis = pytest.importorskip("schemathesis", reason="pip install -e '.[dev]'")


@pytest.fixture(scope="session")
def described(address: str) -> Any:
    """The description, without the stream that has no end."""
    return schemathesis.openapi.from_url(f"{address}/openapi.json").exclude(path="/v1/events")


schema = schemathesis.pytest.from_fixture("described")


@schema.parametrize()
@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_answers_are_as_described(case: Any) -> None:
    case.call_and_validate()


@pytest.fixture(scope="session")
def finished(address: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A job that is done."""
    with Client(address) as client:
        source = picture(tmp_path_factory.mktemp("finished") / "a.png")
        return client.wait(client.submit(source, scale=2, model="espcn")).id


@schema.include(path_regex="job_id", method="GET").parametrize()
@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_answers_about_a_job_are_as_described(case: Any, finished: str) -> None:
    case.path_parameters["job_id"] = finished
    case.call_and_validate()


def test_every_address_is_described(address: str) -> None:
    import json

    made = json.load(io.TextIOWrapper(urllib.request.urlopen(f"{address}/openapi.json")))
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], path
            assert operation["description"], path
            assert "421" in operation["responses"], (method, path)
    assert made["components"]["schemas"]["Problem"]["properties"]["right"]
