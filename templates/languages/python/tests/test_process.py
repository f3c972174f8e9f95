"""The process as it is started in production: configuration, draining, exit status."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from importlib.metadata import version

import httpx2

from app.lifecycle import Lifecycle, server_for
from app.settings import Settings
from process import COMMAND, environment, process
from serving import FreshSettings


def test_every_wrong_variable_ends_the_start_and_is_named(fresh_settings: FreshSettings) -> None:
    done = subprocess.run(
        COMMAND,
        env=environment(fresh_settings() | {"port": "hunter2", "max_concurrency": "0", "log_level": "hunter2"}),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 78
    (line,) = done.stdout.splitlines()
    message = json.loads(line)["message"]
    assert "PORT" in message
    assert "MAX_CONCURRENCY" in message
    assert "LOG_LEVEL" in message
    assert "hunter2" not in done.stdout + done.stderr


def test_an_unknown_command_is_refused(fresh_settings: FreshSettings) -> None:
    done = subprocess.run(
        [*COMMAND, "dance"], env=environment(fresh_settings()), capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 64
    assert done.stderr.startswith("usage: ")
    assert done.stdout == ""


def test_the_bill_of_materials_names_what_is_installed(fresh_settings: FreshSettings) -> None:
    environ = environment(fresh_settings())
    done = subprocess.run([*COMMAND, "sbom"], env=environ, capture_output=True, timeout=20, check=True)
    named = {one["name"]: one["version"] for one in json.loads(done.stdout)["components"]}
    assert named["fastapi"] == version("fastapi")
    assert "pytest" not in named


def test_what_is_in_flight_has_the_time_that_is_set_and_no_less() -> None:
    lifecycle = Lifecycle()
    server = server_for(None, Settings.model_construct(drain_timeout_ms=1900), lifecycle)
    assert server.config.timeout_graceful_shutdown == 1.9


def test_sigterm_under_load_loses_no_request(fresh_settings: FreshSettings) -> None:
    with process(fresh_settings() | {"drain_delay_ms": 1000}) as (child, url):
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


def test_a_request_in_flight_is_finished_after_the_door_closes(fresh_settings: FreshSettings) -> None:
    with process(fresh_settings() | {"drain_delay_ms": 0}) as (child, url):
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
