"""One of the two that are asked: clients whose every answer is written down.

A drive is a function that makes calls on a side; it is run once on each, so a later call can use what that side answered before.
A refusal is an answer like any other: it is written down, and the drive goes on.
"""

import socket
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

Answer = dict[str, Any]


class Call(NamedTuple):
    """One call as it was made and answered."""

    service: str
    operation: str
    arguments: Answer
    answer: Answer


def resolve(host: str, *more: Any, known: Callable[..., Any] = socket.getaddrinfo, **named: Any) -> Any:
    """`*.localhost` is this machine (RFC 6761), also where the C library does not know."""
    return known("127.0.0.1" if host.endswith("localhost") else host, *more, **named)


socket.getaddrinfo = resolve


class Side:
    """The sandbox, or moto."""

    def __init__(self, endpoint: str, account: str, keys: dict[str, str]) -> None:
        self.endpoint, self.account, self.keys = endpoint, account, keys
        self.calls: list[Call] = []
        # Under which name requests to a service are signed.
        self.signed_for: dict[str, str] = {}
        self.session = botocore.session.get_session()

    def client(self, service: str, **keys: str) -> "Client":
        """A client of a service; its answers are kept in the order of the calls."""
        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, parameter_validation=False)
        made = self.session.create_client(
            service, region_name="us-east-1", endpoint_url=self.endpoint, config=config, **(keys or self.keys)
        )
        self.signed_for[service] = made.meta.service_model.signing_name
        return Client(self, made)


class Client:
    """A client of one service on one side."""

    def __init__(self, side: Side, client: Any) -> None:
        self.side, self.client = side, client
        self.names = {operation: name for name, operation in client.meta.method_to_api_mapping.items()}

    def __call__(self, operation: str, **arguments: Any) -> Answer:
        answer = self.ask(operation, **arguments)
        self.side.calls.append(Call(self.client.meta.service_model.service_name, operation, arguments, answer))
        return answer

    def ask(self, operation: str, **arguments: Any) -> Answer:
        """A call that is not compared."""
        try:
            answer = getattr(self.client, self.names[operation])(**arguments)
        except ClientError as error:
            return error.response
        except ResponseParserError:
            return {"Error": {"Code": "an answer that its client cannot read"}}
        for name, value in answer.items():
            if hasattr(value, "read"):
                answer[name] = value.read()
        return answer

    def until(self, done: Callable[[Answer], bool], operation: str, **arguments: Any) -> Answer:
        """Asks until it is done, twenty seconds at most, since moto ends some things never; only the last answer is compared."""
        ends = time.monotonic() + 20
        while not done(answer := self.ask(operation, **arguments)) and time.monotonic() < ends:
            time.sleep(0.1)
        return self(operation, **arguments)
