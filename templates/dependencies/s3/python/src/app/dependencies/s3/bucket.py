"""An S3 bucket."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from app.dependencies.aws import AwsDependency
from app.resilience import Guard


@dataclass(frozen=True)
class Stored:
    """What an object holds."""

    content: bytes
    media_type: str


class Bucket(AwsDependency):
    """Objects by key. Writing one twice is the same as once, so everything may be tried again."""

    kind = service = "s3"

    def __init__(self, guard: Guard, bucket: str, region: str, endpoint: object | None) -> None:
        super().__init__(guard, region, endpoint)
        self._bucket = bucket

    async def put(self, key: str, stored: Stored) -> None:
        """Keeps an object in the place of the one before."""
        await self.call(
            lambda s3: s3.put_object(Bucket=self._bucket, Key=key, Body=stored.content, ContentType=stored.media_type),
            idempotent=True,
        )

    async def get(self, key: str) -> Stored | None:
        """An object, if it is there."""

        async def read(s3: Any) -> Stored | None:
            try:
                found = await s3.get_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == "NoSuchKey":
                    return None
                raise
            async with found["Body"] as body:
                return Stored(await body.read(), found.get("ContentType", "application/octet-stream"))

        return await self.call(read, idempotent=True)

    async def why_not_ready(self) -> str | None:
        """Asks for the bucket, past circuit and retries."""
        await self.attempt(lambda s3: s3.head_bucket(Bucket=self._bucket))
        return None
