"""The contract of the example domain."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from serving import StartService

SECRET = "hunter2"  # noqa: S105 (nobody's)


def test_a_note_is_made_and_found(service: httpx2.Client) -> None:
    made = service.post("/v1/notes", json={"title": " milk ", "text": " two litres\n"})
    assert made.status_code == 201
    assert made.json()["title"] == "milk"
    assert made.json()["text"] == " two litres\n"  # as it was sent
    found = service.get(made.headers["location"])
    assert found.json() == made.json()


def test_an_unknown_note_is_a_problem(service: httpx2.Client) -> None:
    for unknown in ("nowhere", "%00", "0" * 32):
        answer = service.get(f"/v1/notes/{unknown}")
        assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "Not Found"


@pytest.mark.parametrize(
    ("method", "more", "fields"),
    [
        ("POST", {"json": {"title": "", "colour": SECRET}}, {"body.title", "body.colour"}),
        ("POST", {"json": {"title": SECRET * 50, "text": [SECRET]}}, {"body.title", "body.text"}),
        ("POST", {"json": {"title": {SECRET: SECRET}, "text": f"{SECRET}\0"}}, {"body.title", "body.text"}),
        ("POST", {"json": SECRET}, {"body"}),
        (
            "POST",
            {"json": {"title": "x"}, "headers": {"idempotency-key": SECRET * 50}},
            {"header.idempotency-key"},
        ),
        ("GET", {"params": {"limit": SECRET}}, {"query.limit"}),
        ("GET", {"params": {"limit": "101"}}, {"query.limit"}),
    ],
)
def test_what_is_wrong_is_named_but_its_value_is_not(
    service: httpx2.Client, method: str, more: dict[str, Any], fields: set[str]
) -> None:
    answer = service.request(method, "/v1/notes", **more)
    assert answer.status_code == 422
    assert {problem["field"] for problem in answer.json()["errors"]} == fields
    assert all(problem["message"] for problem in answer.json()["errors"])
    assert SECRET not in answer.text


def test_a_list_is_read_page_by_page_without_gaps_or_repeats(start_service: StartService) -> None:
    service = start_service()
    made = [service.post("/v1/notes", json={"title": str(n)}).json()["id"] for n in range(5)]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(5):
        page = service.get("/v1/notes", params={"limit": 2} | cursor).json()
        seen += [note["id"] for note in page["items"]]
        if len(seen) == 2:  # one more arrives while the reader is between pages
            made.append(service.post("/v1/notes", json={"title": "late"}).json()["id"])
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == made


def test_a_made_up_cursor_is_refused(service: httpx2.Client) -> None:
    for cursor in ("!", "-", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "x" * 5000):
        assert service.get("/v1/notes", params={"cursor": cursor}).status_code == 400


def test_a_repeated_write_is_answered_and_not_done_again(start_service: StartService) -> None:
    service = start_service()
    key = {"idempotency-key": "k1"}

    def send(_: int) -> httpx2.Response:
        return service.post("/v1/notes", json={"title": "once"}, headers=key)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(16)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert len(service.get("/v1/notes").json()["items"]) == 1
    assert send(0).headers["idempotency-replayed"] == "true"


def test_a_key_with_another_payload_is_refused(service: httpx2.Client) -> None:
    key = {"idempotency-key": "k2"}
    service.post("/v1/notes", json={"title": "first"}, headers=key)
    answer = service.post("/v1/notes", json={"title": "second"}, headers=key)
    assert answer.status_code == 422
    assert "payload" in answer.json()["detail"]
