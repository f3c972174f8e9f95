"""What every answer carries, and what the log says about it."""

import json
import logging
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from app.lifecycle import Lifecycle
from app.logs import configure_logging, redacted
from app.observer import Observer
from app.problems import problem_response
from app.request_frame import RequestFrame
from app.settings import SERVICE, ServerSettings
from app.telemetry import Telemetry
from serving import StartService, call, everything, wait_until


@pytest.fixture(autouse=True)
def _no_log_after_the_test() -> Iterator[None]:
    """The log goes to the standard output of one test, which is closed when that ends."""
    yield
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)


def test_health_says_who_answers(start_service: StartService) -> None:
    service = start_service(PAVE_RELEASE="r42")
    assert service.get("/livez").json() == {"status": "ok", "service": SERVICE, "release": "r42"}
    assert service.get("/readyz").json()["release"] == "r42"


def test_a_sane_request_id_is_kept_and_another_replaced(service: httpx2.Client) -> None:
    assert service.get("/livez", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert service.get("/livez", headers={"x-request-id": "a b"}).headers["x-request-id"] != "a b"


def test_answers_carry_security_headers_and_no_banner(service: httpx2.Client) -> None:
    headers = service.get("/v1/notes").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "server" not in headers


def test_an_unknown_path_is_a_problem(service: httpx2.Client) -> None:
    answer = service.get("/nothing")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_json_that_is_none_is_a_bad_request(service: httpx2.Client) -> None:
    answer = service.post("/v1/notes", content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"no http at all\r\n\r\n", "not valid HTTP"),
        (b"POST /v1/notes HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n", "not valid HTTP"),
        (
            b"POST /livez HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\ntransfer-encoding: chunked\r\n\r\n"
            b"0\r\n\r\nGET /livez HTTP/1.1\r\nhost: x\r\n\r\n",
            "not both",
        ),
    ],
    ids=["noise", "bad length", "two lengths"],
)
def test_a_request_that_cannot_be_read_is_a_problem_and_ends_the_connection(
    service: httpx2.Client, sent: bytes, why: str
) -> None:
    with socket.create_connection((service.base_url.host, service.base_url.port or 0), 5) as connection:
        connection.sendall(sent)
        head, _, body = everything(connection).partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    problem = json.loads(body)  # and nothing after it
    assert status == "HTTP/1.1 400 Bad Request"
    assert why in problem["detail"]
    assert (headers["content-type"], headers["connection"]) == ("application/problem+json", "close")
    assert headers["x-request-id"] == problem["request_id"] != ""
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("said", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_that_does_not_say_json_is_refused(service: httpx2.Client, said: str) -> None:
    answer = service.post("/v1/notes", content=b'{"title": "x"}', headers={"content-type": said})
    assert answer.status_code == 415


def test_another_method_is_a_problem_that_names_those_allowed(service: httpx2.Client) -> None:
    answer = service.put("/v1/notes", json={})
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"
    assert "POST" in service.delete("/v1/notes").headers["allow"] + answer.headers["allow"]


@pytest.mark.parametrize(
    "body", [b'{"title": "\\u0000"}', b'{"title": "\\ud800"}', b'{"title": "x", "\\ud800": 1}', b"[]"]
)
def test_text_that_nothing_can_keep_is_refused(service: httpx2.Client, body: bytes) -> None:
    answer = service.post("/v1/notes", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422


def test_the_openapi_document_is_served(service: httpx2.Client) -> None:
    document = service.get("/openapi.json").json()
    making = document["paths"]["/v1/notes"]["post"]
    assert {"201", "400", "408", "409", "413", "415", "422", "503", "504"} <= making["responses"].keys()
    assert list(making["responses"]["422"]["content"]) == ["application/problem+json"]
    assert [one["name"].lower() for one in making["parameters"]] == ["idempotency-key"]


def test_the_log_joins_a_request_to_its_trace_and_keeps_secrets_out(
    start_service: StartService, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("info", "r1")
    service = start_service()
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    service.get(
        "/v1/notes?token=hunter2",
        headers={
            "x-request-id": "abc",
            "authorization": "Bearer hunter2",
            "traceparent": f"00-{trace_id}-b7ad6b7169203331-01",
        },
    )
    out = ""
    found: list[dict[str, Any]] = []

    def logged() -> bool:
        nonlocal out, found
        out += capsys.readouterr().out
        whole = out.splitlines() if out.endswith("\n") else out.splitlines()[:-1]
        # A request of an earlier test may be logged late; this one is known by its id.
        lines = [json.loads(line) for line in whole]
        found = [line for line in lines if line["message"] == "request" and line["request_id"] == "abc"]
        return bool(found)

    wait_until(logged, "the request was not logged")  # its line is written after its answer
    (line,) = found
    assert line["trace_id"] == trace_id
    assert line["status"] == 200
    assert "hunter2" not in out


def test_a_handler_that_breaks_is_a_problem_without_its_inside(capsys: pytest.CaptureFixture[str]) -> None:
    async def breaks(scope: Scope, receive: Receive, send: Send) -> None:
        raise OSError("postgres://me:hunter2@db is gone")

    configure_logging("info", "r1")
    status, body = call(RequestFrame(breaks, Lifecycle(), Observer(Telemetry(ServerSettings()))))
    assert status == 500
    assert json.loads(body)["title"] == "Internal Server Error"
    out = capsys.readouterr().out
    assert "OSError" in out
    assert "hunter2" not in out + body.decode()


@pytest.mark.parametrize("method", ["POST", "HEAD"])
def test_a_body_that_is_broken_ends_the_request_without_an_error_of_ours(
    start_service: StartService, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("info", "r1")
    service = start_service()
    with socket.create_connection((service.base_url.host, service.base_url.port or 0), 5) as connection:
        head = f"{method} /v1/notes HTTP/1.1\r\nhost: x\r\nx-request-id: abc\r\ntransfer-encoding: chunked\r\n\r\n"
        connection.sendall(head.encode() + b"no length\r\n")
        assert everything(connection).startswith(b"HTTP/1.1 400")
    out = ""

    def logged() -> bool:
        nonlocal out
        out += capsys.readouterr().out
        return '"request_id": "abc"' in out and '"duration_ms"' in out

    wait_until(logged, "the request was not logged")
    assert '"level": "error"' not in out


def test_a_caller_that_leaves_before_its_answer_is_no_error_of_ours(
    start_service: StartService, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("info", "r1")
    service = start_service()
    with socket.create_connection((service.base_url.host, service.base_url.port or 0), 5) as connection:
        head = "POST /v1/notes HTTP/1.1\r\nhost: x\r\nx-request-id: abc\r\ncontent-length: 9\r\n\r\n{"
        connection.sendall(head.encode())
        time.sleep(0.2)  # the request is inside before its caller leaves; nothing outside tells when
    lines: list[dict[str, Any]] = []

    def logged() -> bool:
        whole = (json.loads(line) for line in capsys.readouterr().out.splitlines())
        lines.extend(line for line in whole if line.get("request_id") == "abc")
        return bool(lines)

    wait_until(logged, "the request was not logged")
    assert [(line["message"], line["status"], line["level"]) for line in lines] == [("request", 499, "info")]


@pytest.mark.parametrize(("status", "level"), [(200, "info"), (404, "info"), (500, "error"), (503, "error")])
def test_only_a_failure_of_ours_is_logged_as_an_error(
    status: int, level: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("info", "r1")
    answer = problem_response(status, "so it is")
    call(RequestFrame(answer, Lifecycle(), Observer(Telemetry(ServerSettings()))))
    assert json.loads(capsys.readouterr().out)["level"] == level


def test_levels_have_the_names_of_every_language(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(ServerSettings(log_level="WARN").log_level, "r1")
    for level in (logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
        logging.getLogger("app").log(level, "so it is")
    levels = [json.loads(line)["level"] for line in capsys.readouterr().out.splitlines()]
    assert levels == ["warn", "error", "error"]


def test_fields_that_sound_like_secrets_are_redacted() -> None:
    assert redacted({"api_key": "x", "inner": {"password": "y", "n": 1}}) == {
        "api_key": "[redacted]",
        "inner": {"password": "[redacted]", "n": 1},
    }
