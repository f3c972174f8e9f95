"""An SQS queue that the service writes to."""

import json
from typing import Any

from app.dependencies.aws import AwsDependency
from app.resilience import Guard


class Queue(AwsDependency):
    """Takes messages. One may arrive twice, so each carries what its reader needs to notice."""

    kind = service = "sqs"

    def __init__(self, guard: Guard, url: str, region: str, endpoint: object | None) -> None:
        super().__init__(guard, region, endpoint)
        self._url = url

    async def send(self, message: dict[str, Any], *, idempotent: bool) -> str:
        """Sends a message. Returns its id."""
        body = json.dumps(message)
        sent = await self.call(
            lambda sqs: sqs.send_message(QueueUrl=self._url, MessageBody=body), idempotent=idempotent
        )
        return str(sent["MessageId"])

    async def why_not_ready(self) -> str | None:
        """Asks for the queue, past circuit and retries."""
        await self.attempt(lambda sqs: sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"]))
        return None
