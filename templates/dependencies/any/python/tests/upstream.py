"""A real HTTP server on this machine that plays a dependency and can be told to misbehave."""

import json
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Upstream:
    """Set `status` and `body` at any time; `calls` and `bodies` hold the headers and bodies of what it got.

    `raw` is sent as it is in place of `body`, for as long as there are pieces of it; `encoding` says how it is packed.
    """

    def __init__(self) -> None:
        self.status = 200
        self.body: object = {"hello": "world"}
        self.raw: Iterable[bytes] | None = None
        self.encoding = "identity"
        self.calls: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self._released = threading.Event()
        self._released.set()
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                upstream.calls.append({name.lower(): value for name, value in self.headers.items()})
                upstream.bodies.append(self.rfile.read(int(self.headers.get("content-length", 0))))
                upstream._released.wait(30)
                self.send_response(upstream.status)
                if upstream.raw is not None:
                    self.close_connection = True  # its end is the end of the answer
                    self.send_header("content-encoding", upstream.encoding)
                    self.end_headers()
                    for piece in upstream.raw:
                        self.wfile.write(piece)
                    return
                content = json.dumps(upstream.body).encode()
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                """Stays quiet."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: object) -> None:
                """A caller that gave up is what some tests are about."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def hang(self) -> None:
        """Takes requests and answers none until `release`."""
        self._released.clear()

    def release(self) -> None:
        """Answers again."""
        self._released.set()

    def stop(self) -> None:
        """Closes the door: connections are refused from now on."""
        self.release()
        if not self._thread.is_alive():
            return
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
