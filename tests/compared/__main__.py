"""The same calls on the sandbox and on moto. Prints, as JSON, what was called and which differences nobody explained.

Of the sandbox's services moto has not: App Runner; the data of CloudFront's key value stores, which are signed with SigV4A; Bedrock's
Converse. Those have the models of AWS and the SDKs as their only witnesses.
"""

import importlib
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from compare import Difference, compare
from explained import EXPLAINED, Row
from side import Side

HERE = Path(__file__).parent


def drive(name: str, side: Side) -> list[str]:
    """Runs a drive on one side; tells what ended it early, if anything did."""
    try:
        importlib.import_module(f"drives.{name}").drive(side)
    except Exception as error:  # noqa: BLE001 (whatever it is, the other services are still looked at)
        last = side.calls[-1] if side.calls else None
        return [f"{name} on {side.endpoint} ended with {type(error).__name__}: {error}; before it: {last}"]
    return []


def explains(row: Row, one: Difference) -> bool:
    """Whether a row is of this difference."""
    patterns = (re.escape(pattern).replace(r"\*", ".*") for pattern in row[:5])
    return all(re.fullmatch(pattern, told, re.DOTALL) for told, pattern in zip(one, patterns, strict=True))


def main() -> None:
    """Runs every drive on both sides and compares."""
    keys = {"aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"]}
    here = Side(os.environ["AWS_ENDPOINT_URL"].replace("127.0.0.1", "localhost"), "", keys)
    account = here.client("sts").ask("GetCallerIdentity")["Account"]
    env = os.environ | {"MOTO_ACCOUNT_ID": account, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"}
    moto = subprocess.Popen(
        [sys.executable, HERE / "moto_runs.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env, text=True
    )
    problems: list[str] = []
    seen: dict[str, set[str]] = defaultdict(set)
    used: set[Row] = set()
    wanted = sys.argv[1:] or sorted(file.stem for file in (HERE / "drives").glob("*.py"))
    try:
        endpoint = f"http://localhost:{moto.stdout.readline().strip()}"
        for name in wanted:
            ours, theirs = Side(here.endpoint, account, keys), Side(endpoint, account, keys)
            problems += drive(name, ours) + drive(name, theirs)
            for call in ours.calls:
                seen[ours.signed_for[call.service]].add(call.operation)
            for one in compare(ours.calls, theirs.calls):
                rows = [row for row in EXPLAINED if explains(row, one)]
                used.update(rows)
                if not rows and (words := f"{one.service} {one.operation} {one.path}: {one.ours} | {one.theirs}") not in problems:
                    problems.append(words)
    finally:
        moto.stdin.close()
        moto.wait()
    problems += [f"no longer occurs: {row[:5]}" for row in EXPLAINED if row not in used and (row.service in wanted or (row.service == "*" and not sys.argv[1:]))]
    json.dump({"seen": {name: sorted(found) for name, found in sorted(seen.items())}, "problems": problems}, sys.stdout)


main()
