"""The interface against its own description: what fits it is answered as it promises, what does not is refused."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from subpixel.web.client import Client
from tests.web.servers import picture

schemathesis = pytest.importorskip("schemathesis", reason="pip install -e '.[dev]'")
_checks = pytest.importorskip("schemathesis.specs.openapi.checks")

In = pytest.importorskip("schemathesis.core.parameters").ParameterLocation
GenerationMode = pytest.importorskip("schemathesis.generation").GenerationMode

CHECKS = [
    _checks.negative_data_rejection,
    _checks.status_code_conformance,
    _checks.content_type_conformance,
    _checks.response_schema_conformance,
]
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


def asks_for_something(path: str, method: str) -> bool:
    """Whether a request for it can be wrong at all: nothing can where there are neither parameters nor a body."""
    operation = description()["paths"][path][method.lower()]
    return bool(operation.get("parameters") or operation.get("requestBody"))


@pytest.mark.parametrize(("method", "path"), [one for one in operations() if asks_for_something(one[1], one[0])])
def test_what_does_not_fit_is_refused(schema: Any, finished: str, method: str, path: str) -> None:
    """Parameters and bodies that the description forbids: problem details with a status that it names."""
    strategy = schema[path][method].as_strategy(generation_mode=GenerationMode.NEGATIVE)
    # Ids that are none hide everything else that is wrong: half of the requests name a job that is there.
    turns = itertools.cycle((False, True)) if "{job_id}" in path and method == "GET" else itertools.repeat(False)
    asked = 0

    @settings(FEW, max_examples=16, phases=(Phase.generate,))
    @given(case=strategy)
    def ask(case: Any) -> None:
        nonlocal asked
        if next(turns):
            if not any(part in case.meta.components for part in (In.QUERY, In.BODY)):
                return
            case.path_parameters = {"job_id": finished}
        answer = case.call()
        # A parameter that was left out, or is the job's own id now, may leave a request that fits.
        if case.path_parameters == {"job_id": finished} and answer.status_code < 300:
            return
        asked += 1
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.headers["content-type"] == ["application/problem+json"]
        problem = answer.json()
        assert problem["status"] == answer.status_code
        assert problem["detail"]
        assert problem["right"]
        case.validate_response(answer, checks=CHECKS)

    ask()
    assert asked >= 4


def test_every_address_is_described(address: str) -> None:
    with urlopen(f"{address}/openapi.json") as answer:
        made = json.load(answer)
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], path
            assert operation["description"], path
            assert "421" in operation["responses"], (method, path)
    assert made["components"]["schemas"]["Problem"]["properties"]["right"]
