"""Bounds on requests: size, time, number. Each is shown on a real socket."""

import asyncio
import json
import socket
import threading
import time

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from app.limits import LoadShedding, TimeLimit
from serving import StartService, call, everything

HEAD = b"POST /v1/notes HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"


def test_a_body_over_the_limit_is_refused_announced_or_not(start_service: StartService) -> None:
    service = start_service(max_body_bytes=100)
    assert service.post("/v1/notes", content=b"x" * 101).status_code == 413
    chunks = (b"x" * 40 for _ in range(3))
    refused = service.post("/v1/notes", content=chunks, headers={"content-type": "application/json"})
    assert refused.status_code == 413
    assert refused.headers["content-type"] == "application/problem+json"


def test_a_body_that_never_arrives_ends_with_408(start_service: StartService) -> None:
    service = start_service(request_timeout_ms=200)
    with socket.create_connection((service.base_url.host, service.base_url.port or 0), 5) as slow:
        slow.sendall(HEAD + b"content-length: 10\r\n\r\n{")
        assert slow.recv(4096).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("head", [b"", b"GET /livez HTTP/1.1\r\nx-slow: "])
def test_a_head_that_never_ends_is_cut_off(start_service: StartService, head: bytes) -> None:
    service = start_service(header_timeout_ms=200)
    with socket.create_connection((service.base_url.host, service.base_url.port or 0), 5) as slow:
        slow.sendall(head)
        assert slow.recv(4096) == b""


def test_a_head_that_begins_beside_a_whole_request_is_cut_off_too(start_service: StartService) -> None:
    service = start_service(header_timeout_ms=200)
    with socket.create_connection((service.base_url.host, service.base_url.port or 0), 5) as slow:
        slow.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\nGET /livez HTTP/1.1\r\nx-slow: ")
        assert everything(slow).startswith(b"HTTP/1.1 200")


async def hangs(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.Event().wait()


def test_a_handler_that_hangs_ends_with_504() -> None:
    status, body = call(TimeLimit(hangs, seconds=0.05))
    assert status == 504
    assert json.loads(body)["status"] == 504


def test_a_caller_may_wait_less_long_but_not_longer() -> None:
    began = time.monotonic()
    assert call(TimeLimit(hangs, seconds=60), "20")[0] == 504
    assert call(TimeLimit(hangs, seconds=0.05), "60000")[0] == 504
    assert time.monotonic() - began < 5


def test_requests_over_the_limit_are_shed_and_the_service_recovers(start_service: StartService) -> None:
    service = start_service(max_concurrency=1, request_timeout_ms=5000)
    with socket.create_connection((service.base_url.host, service.base_url.port or 0), 5) as inside:
        inside.sendall(HEAD + b"content-length: 2\r\n\r\n{")
        shed = poll(service, 503)
        assert shed.headers["retry-after"] == "1"
        assert service.get("/livez").status_code == 200
        inside.sendall(b"}")
        assert inside.recv(4096).startswith(b"HTTP/1.1 4")
    assert poll(service, 200).status_code == 200


def poll(service: httpx2.Client, status: int) -> httpx2.Response:
    """Asks until the answer has this status; the socket beside it needs a moment to be read."""
    pause = threading.Event()
    for _ in range(100):
        answer = service.get("/v1/notes")
        if answer.status_code == status:
            return answer
        pause.wait(0.02)
    raise AssertionError(f"never answered {status}, last {answer.status_code}")


def test_a_place_is_given_back_when_a_handler_fails() -> None:
    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        raise OSError("broken")

    shedding = LoadShedding(fails, limit=1)
    for _ in range(3):
        with pytest.raises(OSError, match="broken"):
            call(shedding)
