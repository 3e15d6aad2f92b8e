"""app.py's own routes: what they answer, and whom they refuse."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from backend.runs import RunStatus
from tests.pages.seeds import seed_run

ADDRESS = "http://localhost:8501"


@pytest.fixture
def client(home: Path) -> Iterator[TestClient]:
    """The routes behind their guard, without Streamlit around them."""
    import app

    routes = Starlette(routes=app.ROUTES, middleware=app.MIDDLEWARE)
    with TestClient(routes, base_url=ADDRESS) as found:
        yield found


def test_live_sends_what_is_new(client: TestClient) -> None:
    run = seed_run(RunStatus.RUNNING, done=50)
    first = client.get(f"/api/runs/{run.id}/live")
    assert first.status_code == 200
    payload = first.json()
    assert payload["run"]["status"] == "running"
    assert payload["series"]["train/loss"]["steps"] == list(range(1, 51))
    again = client.get(f"/api/runs/{run.id}/live?after={payload['after']}").json()
    assert again["series"] == {}
    assert first.headers["cache-control"] == "no-store"


def test_the_story_and_the_ends_are_sent(client: TestClient) -> None:
    begun = client.get("/api/ends").json()["now"]
    run = seed_run(message="It is done.")
    story = client.get(f"/api/runs/{run.id}/story").json()
    assert [event["kind"] for event in story["events"]][-1] == "finished"
    assert story["ended"]
    found = client.get("/api/ends", params={"after": begun})
    assert [one["sentence"] for one in found.json()["runs"]] == ["It is done."]
    assert found.headers["cache-control"] == "no-store"


def test_window_sends_a_stretch(client: TestClient) -> None:
    run = seed_run()
    query = {"names": "train/loss,no/such", "first": "20", "last": "29"}
    payload = client.get(f"/api/runs/{run.id}/window", params=query).json()
    assert list(payload["series"]) == ["train/loss"]
    assert payload["series"]["train/loss"]["steps"] == list(range(20, 30))


@pytest.mark.parametrize(
    "path",
    [
        "/api/runs/999999/live",
        "/api/runs/0/live",
        "/api/runs/-1/live",
        "/api/runs/1e3/live",
        "/api/runs/%D9%A1/live",
        "/api/runs/..%2f..%2fetc/live",
        "/api/runs/" + "9" * 400 + "/live",
        "/api/runs/999999/window",
        "/api/runs/999999/story",
        "/api/runs/x/window?first=0&last=1",
        "/api/nothing",
        "/assets/../app.py",
        "/assets/%2e%2e/navigation.py",
    ],
)
def test_what_is_not_there_is_404(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("after", ["-1", "x", "1.5", "", "9" * 40, "１"])
def test_bad_numbers_are_refused(client: TestClient, after: str) -> None:
    run = seed_run()
    assert client.get(f"/api/runs/{run.id}/live", params={"after": after}).status_code == 400
    query = {"first": after, "last": "10"}
    assert client.get(f"/api/runs/{run.id}/window", params=query).status_code == 400
    assert client.get(f"/api/runs/{run.id}/story", params={"after": after}).status_code == 400
    if after:  # none is the first question
        assert client.get(f"/api/runs/{run.id}/story", params={"log": after}).status_code == 400
        assert client.get("/api/ends", params={"after": after}).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "localhost.evil.example:8501"},
        {"host": "evil@localhost:8501"},
        {"host": ""},
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:9999"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_foreign_hosts_and_origins_are_refused(client: TestClient, headers: dict[str, str]) -> None:
    run = seed_run()
    for path in (f"/api/runs/{run.id}/live", "/assets/mark.svg"):
        assert client.get(path, headers=headers).status_code == 403


def test_own_pages_and_plain_clients_are_let_in(client: TestClient) -> None:
    run = seed_run()
    for headers in (
        {},
        {"origin": ADDRESS},
        {"sec-fetch-site": "same-origin"},
        {"host": "127.0.0.1:8501", "origin": "http://127.0.0.1:8501"},
    ):
        assert client.get(f"/api/runs/{run.id}/live", headers=headers).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_our_routes_only_read(client: TestClient, method: str) -> None:
    assert client.request(method, "/api/runs/1/live").status_code == 405
    assert client.request(method, "/assets/mark.svg").status_code == 405


def test_plotly_comes_from_its_package_packed_and_cached(client: TestClient) -> None:
    packed = client.get("/assets/plotly.min.js")
    assert packed.headers["content-encoding"] == "gzip"
    assert "max-age=31536000" in packed.headers["cache-control"]
    plain = client.get("/assets/plotly.min.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text
    assert len(gzip.compress(plain.content, 6)) < len(plain.content) / 2
    tag = {"if-none-match": packed.headers["etag"]}
    assert client.get("/assets/plotly.min.js", headers=tag).status_code == 304


def test_the_browser_is_told_to_load_nothing_from_elsewhere(client: TestClient) -> None:
    policy = client.get("/assets/mark.svg").headers["content-security-policy"]
    for part in policy.split(";"):
        assert "http" not in part
        assert "*" not in part


def test_metric_values_that_are_no_number_are_json(client: TestClient) -> None:
    from storage import database, metrics

    run = seed_run()
    with database.write() as session:
        points = {"train/loss": [(200, float("nan"), 1.0, 0.0), (201, float("inf"), 1.0, 0.0)]}
        metrics.append_points(session, run.id, 1, points)
    text = client.get(f"/api/runs/{run.id}/live").text
    assert "NaN" not in text
    assert json.loads(text)["series"]["train/loss"]["values"][-2:] == [None, None]
