"""A model in Amazon Bedrock, asked with Converse."""

import time
from dataclasses import dataclass

import aiohttp

from app.dependencies.aws import AwsDependency
from app.resilience import Guard
from app.telemetry import BUCKETS, Telemetry


@dataclass(frozen=True)
class Completion:
    """What a model said, and what it cost."""

    text: str
    input_tokens: int
    output_tokens: int
    stop_reason: str


class Model(AwsDependency):
    """One model. Asking it changes nothing, so it may be asked again."""

    kind = "bedrock"
    service = "bedrock-runtime"

    def __init__(self, guard: Guard, model_id: str, region: str, endpoint: object | None, telemetry: Telemetry) -> None:
        super().__init__(guard, region, endpoint)
        self.model_id = model_id
        meter = telemetry.metrics.get_meter("app.dependencies.bedrock")
        self._tokens = meter.create_histogram("gen_ai.client.token.usage", "{token}", "Tokens of one answer")
        self._seconds = meter.create_histogram(
            "gen_ai.client.operation.duration", "s", "Time of one answer", explicit_bucket_boundaries_advisory=BUCKETS
        )

    async def converse(self, instructions: str, prompt: str, most_tokens: int) -> Completion:
        """One attempt to ask. For `Fallback`, which guards it.

        What callers wrote belongs into `prompt`, apart from the instructions.
        """
        began = time.perf_counter()
        said = await self.attempt(
            lambda bedrock: bedrock.converse(
                modelId=self.model_id,
                system=[{"text": instructions}],
                messages=[{"role": "user", "content": [{"text": prompt}]}],
                inferenceConfig={"maxTokens": most_tokens},
            )
        )
        blocks = said["output"]["message"]["content"]
        completion = Completion(
            text="".join(block.get("text", "") for block in blocks).strip(),
            input_tokens=said["usage"]["inputTokens"],
            output_tokens=said["usage"]["outputTokens"],
            stop_reason=said["stopReason"],
        )
        self._measure(completion, time.perf_counter() - began)
        return completion

    async def why_not_ready(self) -> str | None:
        """Asking costs money, so it only looks at the circuit and whether anybody answers."""
        if self.guard.circuit.state == "open":
            return "its circuit is open"
        async with aiohttp.request("GET", self._client.meta.endpoint_url, allow_redirects=False) as answer:
            return f"answers {answer.status}" if answer.status >= 500 else None

    def _measure(self, completion: Completion, seconds: float) -> None:
        labels = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "aws.bedrock",
            "gen_ai.request.model": self.model_id,
        }
        self._seconds.record(seconds, labels)
        self._tokens.record(completion.input_tokens, labels | {"gen_ai.token.type": "input"})
        self._tokens.record(completion.output_tokens, labels | {"gen_ai.token.type": "output"})
