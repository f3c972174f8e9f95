"""Drives every operation of the sandbox with botocore. Prints, as JSON, which operations were answered and what was wrong."""

import json
import sys

import data
import identity
import images
import objects
import running
import watching
from witness import Witness

w = Witness()
for drive in (identity.sts, objects.run, images.run, data.dynamodb, data.sqs, running.run, watching.run):
    try:
        drive(w)
    except Exception as error:  # noqa: BLE001 (whatever it is, the other services are still looked at)
        w.problems.append(f"{drive.__module__}.{drive.__name__} ended with {type(error).__name__}: {error}")
json.dump({"seen": {name: sorted(found) for name, found in sorted(w.seen.items())}, "problems": w.problems}, sys.stdout)
