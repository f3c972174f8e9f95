"""The process as it is started in production: configuration, draining, exit status."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2


def environment(**variables: str) -> dict[str, str]:
    """Only what is given, and where Python finds the code."""
    return {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"], "HOST": "127.0.0.1"} | variables


@contextmanager
def process(**variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running service and its address."""
    command = [sys.executable, "-m", "app"]
    child = subprocess.Popen(command, env=environment(PORT="0", **variables), stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        for line in child.stdout:
            entry = json.loads(line)
            if entry["message"] == "listening":
                threading.Thread(target=child.stdout.read, daemon=True).start()
                yield child, f"http://127.0.0.1:{entry['port']}"
                return
        raise AssertionError("the service ended before it listened")
    finally:
        child.kill()
        child.wait()


def test_a_wrong_variable_ends_the_start_and_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app"],
        env=environment(PORT="hunter2"),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 78
    (line,) = done.stdout.splitlines()
    assert "PORT" in json.loads(line)["message"]
    assert "hunter2" not in done.stdout + done.stderr


def test_sigterm_under_load_loses_no_request() -> None:
    with process(DRAIN_DELAY_MS="1000") as (child, url):
        failed: list[str] = []
        served = [0]
        stop = threading.Event()

        def load() -> None:
            with httpx2.Client(base_url=url, timeout=10) as client:
                while not stop.is_set():
                    try:
                        answer = client.get("/v1/notes")
                        served[0] += 1
                    except httpx2.TransportError as error:
                        failed.append(repr(error))
                        return
                    if answer.status_code != 200:
                        failed.append(str(answer.status_code))

        workers = [threading.Thread(target=load) for _ in range(8)]
        for worker in workers:
            worker.start()
        with httpx2.Client(base_url=url) as balancer:
            while served[0] < 100:
                time.sleep(0.01)
            child.send_signal(signal.SIGTERM)
            # A balancer sends requests until readiness fails, and requests still succeed until then.
            while balancer.get("/readyz").status_code == 200:
                time.sleep(0.01)
            alive = balancer.get("/livez")
            assert alive.status_code == 200
            assert alive.headers["connection"] == "close"  # callers with kept connections move on
        time.sleep(0.25)  # it needs a moment to notice, and its requests are still served
        stop.set()
        for worker in workers:
            worker.join()
        assert child.wait(10) == 0
        assert failed == []


def test_a_request_in_flight_is_finished_after_the_door_closes() -> None:
    with process(DRAIN_DELAY_MS="0") as (child, url):
        gate = threading.Event()

        def body() -> Iterator[bytes]:
            yield b'{"title": '
            gate.wait(10)
            yield b'"slow"}'

        answers: list[httpx2.Response] = []
        headers = {"content-type": "application/json"}
        sender = threading.Thread(
            target=lambda: answers.append(httpx2.post(f"{url}/v1/notes", content=body(), headers=headers, timeout=10))
        )
        sender.start()
        time.sleep(0.3)  # the request is inside before the signal; nothing outside tells when
        child.send_signal(signal.SIGTERM)
        refused_at = time.monotonic() + 5
        while time.monotonic() < refused_at:
            try:
                httpx2.get(f"{url}/livez")
                time.sleep(0.02)
            except httpx2.TransportError:
                break
        time.sleep(0.4)  # a server that does not wait would have cut it off by now
        gate.set()
        sender.join()
        assert answers[0].status_code == 201
        assert child.wait(10) == 0
