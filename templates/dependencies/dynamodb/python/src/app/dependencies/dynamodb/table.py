"""A DynamoDB table whose partition key is `pk`."""

from typing import Any

from app.dependencies.aws import AwsDependency
from app.resilience import Guard

Item = dict[str, Any]


class Table(AwsDependency):
    """Items by key, with DynamoDB's own types. Writing one twice is the same as once."""

    kind = service = "dynamodb"

    def __init__(self, guard: Guard, table: str, region: str, endpoint: object | None) -> None:
        super().__init__(guard, region, endpoint)
        self._table = table

    async def get(self, key: str) -> Item:
        """One attempt to read an item; empty when there is none. For `Fallback`, which guards it."""
        found = await self.attempt(lambda db: db.get_item(TableName=self._table, Key={"pk": {"S": key}}))
        return dict(found.get("Item", {}))

    async def put(self, key: str, item: Item) -> None:
        """Keeps an item in the place of the one before."""
        await self.call(
            lambda db: db.put_item(TableName=self._table, Item={"pk": {"S": key}} | item),
            idempotent=True,
        )

    async def why_not_ready(self) -> str | None:
        """Reads as requests do, past circuit and retries."""
        await self.get("readiness")
        return None
