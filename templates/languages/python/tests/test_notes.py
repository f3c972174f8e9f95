"""The contract of the example domain."""

from concurrent.futures import ThreadPoolExecutor

import httpx2

from serving import StartService


def test_a_note_is_made_and_found(service: httpx2.Client) -> None:
    made = service.post("/v1/notes", json={"title": " milk ", "text": "two litres"})
    assert made.status_code == 201
    assert made.json()["title"] == "milk"
    found = service.get(made.headers["location"])
    assert found.json() == made.json()


def test_an_unknown_note_is_a_problem(service: httpx2.Client) -> None:
    for unknown in ("nowhere", "%00", "0" * 32):
        answer = service.get(f"/v1/notes/{unknown}")
        assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "Not Found"


def test_a_wrong_note_names_its_fields_but_not_their_values(service: httpx2.Client) -> None:
    answer = service.post("/v1/notes", json={"title": "", "colour": "hunter2"})
    assert answer.status_code == 422
    assert {problem["field"] for problem in answer.json()["errors"]} == {"body.title", "body.colour"}
    assert "hunter2" not in answer.text


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
