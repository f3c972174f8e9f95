"""Answers of two sides, member by member.

What is by its nature another on each side (ids, times, hosts, tokens) is replaced by what it is, so that one that is missing
or of another type still shows.
"""

import json
import re
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from side import Answer, Call

# What only its maker can read. An empty one is no such thing, and stays.
OPAQUE = {
    "ChangeToken", "ContinuationToken", "HostId", "MessageId", "NextContinuationToken", "NextMarker", "NextToken",
    "ReceiptHandle", "RequestId", "SecretAccessKey", "SessionToken", "StackDriftDetectionId", "UploadId", "authorizationToken", "eventId",
    "nextBackwardToken", "nextForwardToken", "nextToken", "sequenceToken", "uploadSequenceToken", "nextSequenceToken",
}  # fmt: skip
# Ids whose first letters say what they are of. Source: AWS IAM user guide, "IAM identifiers".
PREFIXED = {"AccessKeyId", "AssumedRoleId", "PolicyId", "RoleId", "SenderId", "UserId"}
# Lists whose order AWS does not promise.
UNORDERED = {"Capabilities", "Changes", "Errors", "Datapoints", "Exports", "InvalidParameters", "Metrics", "Parameters", "SecretList", "SecretValues", "StackEvents",
             "StackResources", "StackSummaries", "StackResourceSummaries", "TableNames", "TagList", "Tags", "VersionStages", "Versions", "imageIds", "images", "tags", "QueueUrls",
             "DeletedParameters", "Deleted", "Successful", "Failed", "repositories", "AttributeDefinitions", "Messages", "imageDetails", "Summaries", "failures"}  # fmt: skip
UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
SECRET = re.compile(r"(:secret:.+)-[A-Za-z0-9]{6}$")
HOST = re.compile(r"\b(localhost|127\.0\.0\.1):\d+")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+0000|\+00:00)")
MISSING = "(missing)"


class Difference(NamedTuple):
    """One member that is not the same on both."""

    service: str
    operation: str
    path: str
    ours: str
    theirs: str


def plain(value: Any, name: str = "") -> Any:
    """A value with what is another on each side replaced by what it is."""
    if isinstance(value, dict):
        found: dict[str, Any] = {}
        for key, inner in sorted(value.items(), key=lambda pair: (UUID.sub("<uuid>", pair[0]), str(pair[1]))):
            kind = UUID.sub("<uuid>", key)
            found[kind if kind not in found else f"{kind} {len(found)}"] = plain(inner, key)
        return found
    if isinstance(value, list):
        inner = [plain(one, name) for one in value]
        return sorted(inner, key=repr) if name in UNORDERED else inner
    if isinstance(value, datetime):
        return "<time>"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return near(value)
    if not isinstance(value, str) or not value:
        return value
    if name in OPAQUE:
        return "<opaque>"
    if name in PREFIXED:
        return f"{value[:4]}<id>{value[value.find(':') :] if ':' in value else ''}"
    if value.isdigit():
        return str(near(int(value)))
    value = TIME.sub("<time>", SECRET.sub(r"\1-<six>", UUID.sub("<uuid>", value)))
    return HOST.sub("<host>", value)


def near(number: float) -> Any:
    """Seconds or milliseconds of these days are a time."""
    for unit, what in ((1, "<seconds>"), (1000, "<milliseconds>")):
        if abs(number / unit - time.time()) < 40 * 86_400:
            return what
    return number


def answered(answer: Answer) -> Any:
    """What of an answer is compared: not the words of a refusal, which AWS does not promise, but that there are some."""
    told = {name: value for name, value in answer.items() if name not in ("ResponseMetadata", "message", "Message")}
    meta = answer.get("ResponseMetadata", {})
    told["(status)"] = meta.get("HTTPStatusCode")
    told["(request id)"] = bool(meta.get("RequestId"))
    if error := told.get("Error"):
        told["Error"] = error | {"Message": "<words>" if error.get("Message") else MISSING}
    return plain(told)


def differences(ours: Any, theirs: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Where two values differ: the path, and what each has there."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in sorted(ours.keys() | theirs.keys()):
            inner = f"{path}.{name}" if path else name
            yield from differences(ours.get(name, MISSING), theirs.get(name, MISSING), inner)
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for one, other in zip(ours, theirs, strict=True):
            yield from differences(one, other, f"{path}[]")
    elif ours != theirs or type(ours) is not type(theirs):
        yield path, str(ours), str(theirs)


def compare(ours: list[Call], theirs: list[Call]) -> Iterator[Difference]:
    """All differences of two runs of the same drive. What one of them refuses is told with what was asked."""
    for one, other in zip(ours, theirs, strict=False):
        if one[:2] != other[:2]:
            yield Difference(*one[:2], "(order of calls)", one.operation, other.operation)
            return
        if (other.answer.get("ResponseMetadata", {}).get("HTTPStatusCode") or 500) >= 500:
            yield Difference(*one[:2], "(moto fails)", "", "")
            continue
        known, told = answered(one.answer), answered(other.answer)
        asked = json.dumps(plain(one.arguments), default=str)[:300]
        # Where one refuses and the other does not, the members of the answer say nothing more.
        if ("Error" in known) != ("Error" in told):
            words = [side["Error"]["Code"] if "Error" in side else "answered" for side in (known, told)]
            yield Difference(*one[:2], f"(refused) {asked}", *words)
            continue
        for path, *both in differences(known, told):
            yield Difference(*one[:2], f"{path} {asked}" if path == "Error.Code" else path, *both)
    if len(ours) != len(theirs):
        yield Difference(ours[0].service, "", "(number of calls)", str(len(ours)), str(len(theirs)))
