"""Drives every operation of the sandbox with botocore. Prints, as JSON, which operations were answered and what was wrong."""

import json
import sys

import access
import data
import databases
import edge
import identity
import images
import kept
import objects
import running
import small
import stacks
import watching
from witness import Witness

w = Witness()
DRIVES = (
    identity.sts,
    access.run,
    objects.run,
    images.run,
    data.dynamodb,
    data.sqs,
    kept.secretsmanager,
    kept.ssm,
    stacks.cloudformation,
    running.run,
    small.logs,
    small.bedrock,
    edge.stores,
    databases.rds,
    watching.run,
)
for drive in DRIVES:
    try:
        drive(w)
    except Exception as error:  # noqa: BLE001 (whatever it is, the other services are still looked at)
        w.problems.append(f"{drive.__module__}.{drive.__name__} ended with {type(error).__name__}: {error}")
json.dump({"seen": {name: sorted(found) for name, found in sorted(w.seen.items())}, "problems": w.problems}, sys.stdout)
