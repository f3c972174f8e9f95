"""A client of the sandbox that holds every answer against the service's own model.

Invariant: an answer has no member that the model does not have, and each it has fits the model.
"""

import json
import os
import sys
from pathlib import Path

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

sys.path.insert(0, str(Path(__file__).parents[1] / "conformance"))
from witness import unknown_members  # noqa: E402 (its folder is named above)

MARK = "k33p-this-secret"

# Lists that the model says have an entry, and that AWS answers empty all the same, as its CLI's own examples show.
MAY_BE_EMPTY = {"InvalidParameters", "DeletedParameters", "Labels", "InvalidLabels", "RemovedLabels"}


class Asking:
    """One service, with the names of the operations that were answered."""

    def __init__(self, service):
        session = botocore.session.get_session()
        # The sandbox itself is to check what it is given.
        config = Config(parameter_validation=False, retries={"max_attempts": 0})
        self.client = session.create_client(service, config=config)
        self.model = session.get_service_model(service)
        self.answered = set()
        self.raw = None
        # Members to send instead, past botocore; None for one to leave out.
        self.instead = {}
        self.client.meta.events.register("before-call", self._before)
        self.client.meta.events.register("before-parse", self._parse)

    def _before(self, params, **_):
        if self.instead:
            body = json.loads(params["body"]) | self.instead
            params["body"] = json.dumps({k: v for k, v in body.items() if v is not None}).encode()

    def _parse(self, response_dict, **_):
        self.raw = json.loads(response_dict["body"] or b"{}")

    def ok(self, operation, **given):
        answer = self.client._make_api_call(operation, given)
        answer.pop("ResponseMetadata")
        self.answered.add(operation)
        shape = self.model.operation_model(operation).output_shape
        if shape is None:
            assert self.raw == {}, self.raw
            return answer
        assert not (unknown := unknown_members(shape, self.raw)), (operation, unknown)
        full = {k: v for k, v in answer.items() if v or k not in MAY_BE_EMPTY}
        for parameter in full.get("Parameters", []):
            if isinstance(parameter, dict) and parameter.get("Labels") == []:
                parameter.pop("Labels")
        report = ParamValidator().validate(full, shape)
        assert not report.has_errors(), (operation, report.generate_report())
        return answer

    def refused(self, code, operation, words="", **given):
        try:
            answer = self.client._make_api_call(operation, given)
        except ClientError as error:
            found = error.response["Error"]
            assert found["Code"] == code, (operation, given, found)
            assert words in found["Message"], (words, found)
            assert MARK not in json.dumps(self.raw), (operation, "an error told a value")
            errors = {shape.name for shape in self.model.operation_model(operation).error_shapes}
            common = {"ValidationException", "SerializationException", "AccessDeniedException"}
            assert code in errors | common | {"UnknownOperationException"}, (operation, code, "is no error of it")
            return found["Message"]
        raise AssertionError((operation, given, "was answered", answer))

    def pages(self, operation, member, limit, **given):
        """All entries of a list, asked for by so many at a time."""
        found, token = [], {}
        while True:
            answer = self.ok(operation, MaxResults=limit, **given, **token)
            assert len(answer[member]) <= limit, answer
            found += answer[member]
            if "NextToken" not in answer:
                return found
            assert len(answer[member]) == limit, answer
            token = {"NextToken": answer["NextToken"]}

    def check_operations(self):
        """Each operation of the model was answered in this run, or is refused as one that is not here."""
        for operation in self.model.operation_names:
            if operation not in self.answered:
                self.refused("UnknownOperationException", operation, "is not in the sandbox")


def main(parts):
    """Runs the part that is named; what it returns is noted, and a part that takes something is given what was noted."""
    part, noted = parts[sys.argv[1]], sys.argv[2]
    if part.__code__.co_argcount:
        with open(noted, encoding="utf-8") as file:
            part(json.load(file))
    else:
        note(noted, part())


def note(path, value):
    """Replaces what was noted in one step."""
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump(value, file, default=str)
    os.replace(f"{path}.new", path)
