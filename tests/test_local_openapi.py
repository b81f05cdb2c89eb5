"""The local service against its own description: schemathesis calls it, with all its checks."""

import pytest
import requests
import schemathesis
from loopback_site import Caller, site
from schemathesis import engine
from schemathesis.engine import events

from nimble_pandas import local

# Enough for each phase to reach each call; a run with a hundred examples was made by hand.
SETTINGS = {
    "auth": {"basic": {"username": "ana", "password": "secret"}},
    "generation": {"max-examples": 5, "database": "none"},
    "phases": {"stateful": {"generation": {"max-examples": 6}}},
}


@pytest.fixture
def service():
    """Run a service that must not have had a bug at the end."""
    with local.serve(shop=False, username="ana", password="secret", api_key="key") as service:
        yield service
        service.check()


def test_schemathesis_finds_nothing(service):
    """Good calls are granted, bad ones are refused, and each answer has a documented status and shape."""
    url = f"{service.base_url}/api/v1/openapi.json"
    schema = schemathesis.openapi.from_url(url, config=schemathesis.Config.from_dict(SETTINGS))
    wrong, phases = [], set()
    for event in engine.from_schema(schema).execute():
        if isinstance(event, events.NonFatalError):
            wrong.append(f"{event.label}: {event.value}")
        elif isinstance(event, events.ScenarioFinished):
            phases.add(event.phase.name)
            wrong += _failures(event)
    assert wrong == []
    assert {"COVERAGE", "FUZZING", "STATEFUL_TESTING"} <= phases
    assert len(service.log) > 500


def _failures(event):
    checks = [check for checks in event.recorder.checks.values() for check in checks]
    failures = [check.failure_info for check in checks if check.failure_info is not None]
    return [f"{event.recorder.label}: {failure.failure}\n{failure.code_sample}" for failure in failures]


def test_the_description_is_open_and_complete(service):
    """Anyone may read the description; it has every call but the one that is always refused."""
    answer = requests.get(f"{service.base_url}/api/v1/openapi.json", timeout=5)
    assert answer.status_code == 200
    document = answer.json()
    assert document["openapi"].startswith("3.1.")
    assert document["servers"] == [{"url": service.base_url}]
    calls = {f"{method} {path}" for path, item in document["paths"].items() for method in item}
    assert calls == {
        "post /api/v1/batch/ecommerce",
        "post /api/v1/batch/web",
        "get /api/v1/batches/{id}/progress",
        "post /api/v1/batches/{id}/progress",
        "get /api/v1/batches/list",
        "get /api/v1/batches/{id}",
        "get /api/v1/tasks/list",
        "get /api/v1/tasks/{id}",
        "get /api/v1/tasks/{id}/results",
        "get /api/v1/openapi.json",
    }


def test_answers_have_the_described_shapes(service):
    """A batch that was really worked on is answered as described, down to the output."""
    schema = schemathesis.openapi.from_url(f"{service.base_url}/api/v1/openapi.json")
    caller = Caller(service)
    with site() as web:
        batch = caller.submit(web.url, "http://127.0.0.1:1/", parse=True)
        good, bad = caller.wait(batch)
        answers = {
            "/batches/{id}": caller.get(f"/batches/{batch['batch_id']}"),
            "/batches/{id}/progress": caller.get(f"/batches/{batch['batch_id']}/progress"),
            "/batches/list": caller.get("/batches/list"),
            "/tasks/list": caller.get("/tasks/list"),
            "/tasks/{id}": caller.get(f"/tasks/{bad['id']}"),
            "/tasks/{id}/results": caller.get(good["download_url"]),
        }
    for path, answer in answers.items():
        assert answer.status_code == 200
        schema[f"/api/v1{path}"]["GET"].validate_response(answer)
