"""AWS's own client, watched: every answer is held against botocore's model of the operation.

What is looked at for each call: the answer has the members and types of the output shape, with nothing that the shape
does not know; an error has a code that the model or AWS's common errors list, a message, and the status of its fault.
"""

import json
import os
import socket
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.validate import ParamValidator

# Codes that any service may answer. Source: the "Common errors" page of each service's API reference.
COMMON = {
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "SignatureDoesNotMatch",
    "ThrottlingException",
    "UnrecognizedClientException",
    "ValidationError",
    "ValidationException",
}


def resolve(host: str, *more: Any, known: Callable[..., Any] = socket.getaddrinfo, **named: Any) -> Any:
    """`*.localhost` is this machine (RFC 6761), also where the C library does not know."""
    return known("127.0.0.1" if host.endswith("localhost") else host, *more, **named)


socket.getaddrinfo = resolve


def unknown_members(shape: Shape | None, value: Any, path: str = "") -> list[str]:
    """Members of a JSON value that its shape does not have, and words that are none of its enumeration."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        known = {member.serialization.get("name", name): member for name, member in shape.members.items()}
        found = [f"{path}.{name}" for name in value if name not in known]
        return found + [
            deeper for name, inner in value.items() for deeper in unknown_members(known.get(name), inner, f"{path}.{name}")
        ]
    if getattr(shape, "enum", None) and value not in shape.enum:
        return [f"{path} = {value}"]
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [deeper for inner in value for deeper in unknown_members(shape.member, inner, f"{path}[]")]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return [deeper for inner in value.values() for deeper in unknown_members(shape.value, inner, f"{path}{{}}")]
    return []


class Witness:
    """Clients whose every call is checked and counted."""

    def __init__(self) -> None:
        self.session = botocore.session.get_session()
        self.seen: dict[str, set[str]] = defaultdict(set)
        self.problems: list[str] = []

    def client(self, service: str, **more: Any) -> Any:
        """A client of a service; every answer it gets is looked at."""
        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        # Some services put the account before the host, which no address of numbers can have.
        endpoint = os.environ["AWS_ENDPOINT_URL"].replace("127.0.0.1", "localhost")
        client = self.session.create_client(service, endpoint_url=endpoint, config=config, **more)
        client.meta.events.register("after-call", self._look)
        return client

    def refused(self, code: str, call: Callable[..., Any], **arguments: Any) -> None:
        """A call that has to fail with this code."""
        try:
            call(**arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] != code:
                self.problems.append(f"{error.operation_name} is refused with {error.response['Error']}, not {code}")
        else:
            self.problems.append(f"{call.__name__} {arguments} is not refused with {code}")

    def holds(self, what: str, condition: bool) -> None:
        """A fact about an answer."""
        if not condition:
            self.problems.append(what)

    def _look(self, http_response: Any, parsed: dict[str, Any], model: OperationModel, **_: Any) -> None:
        service = model.service_model.signing_name
        self.seen[service].add(model.name)
        self.problems.extend(
            f"{service} {model.name}: {problem}" for problem in self._wrong(http_response, parsed, model)
        )

    def _wrong(self, http_response: Any, parsed: dict[str, Any], model: OperationModel) -> list[str]:
        status = http_response.status_code
        if status >= 300:
            return self._wrong_error(status, parsed, model)
        shape = model.output_shape
        if shape is None:
            return []
        # An empty element, as the location of a bucket in us-east-1, is read as nothing.
        value = {name: member for name, member in parsed.items() if name != "ResponseMetadata" and member is not None}
        stream = shape.serialization.get("payload")
        if model.has_streaming_output and stream:
            value[stream] = b""
        report = ParamValidator().validate(value, shape)
        # Bounds are for input: AWS itself answers empty lists and zeros that they forbid.
        report._errors = [error for error in report._errors if error[0] not in ("invalid length", "invalid range")]
        problems = [report.generate_report()] if report.has_errors() else []
        if model.service_model.resolved_protocol == "json" and not model.has_streaming_output:
            body = json.loads(http_response.content or b"{}")
            problems += [f"the shape has no {name}" for name in unknown_members(shape, body)]
        return problems

    def _wrong_error(self, status: int, parsed: dict[str, Any], model: OperationModel) -> list[str]:
        error = parsed.get("Error", {})
        # SQS keeps the code of its former protocol in `Code`.
        code = error.get("QueryErrorCode") or error.get("Code", "")
        listed = {shape.error_code for shape in model.error_shapes} | {shape.name for shape in model.error_shapes}
        # S3 and Query services answer codes that their models do not list for each operation.
        loose = model.service_model.resolved_protocol in ("query", "rest-xml") or not listed
        problems = []
        if not code or (code not in listed | COMMON and not loose):
            problems.append(f"no such error: {error}")
        if not error.get("Message") and model.http.get("method") != "HEAD" and status != 304:
            problems.append(f"{code} says nothing")
        # A condition of a read that does not hold is a 304, and no fault.
        if not 400 <= status < 500 and status != 304:
            problems.append(f"{code} has status {status}")
        return problems
