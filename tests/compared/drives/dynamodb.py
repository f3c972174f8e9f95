"""DynamoDB."""

from side import Side

ATTRIBUTES = [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "N"}]
SCHEMA = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]


def drive(on: Side) -> None:
    ask = on.client("dynamodb")
    table = {"TableName": "things", "BillingMode": "PAY_PER_REQUEST"}
    ask("CreateTable", **table, AttributeDefinitions=ATTRIBUTES, KeySchema=SCHEMA)
    ask("CreateTable", **table, AttributeDefinitions=ATTRIBUTES, KeySchema=SCHEMA)
    ask("CreateTable", TableName="x", BillingMode="PAY_PER_REQUEST", AttributeDefinitions=ATTRIBUTES, KeySchema=SCHEMA)
    ask("CreateTable", TableName="odd", BillingMode="PAY_PER_REQUEST", AttributeDefinitions=ATTRIBUTES, KeySchema=SCHEMA[:1])
    ask.ask("DeleteTable", TableName="x")
    ask.until(lambda answer: answer.get("Table", {}).get("TableStatus") == "ACTIVE", "DescribeTable", TableName="things")
    ask("DescribeTable", TableName="nothing")
    ask("ListTables")
    ask("ListTables", Limit=0)
    of = {"TableName": "things"}
    for n in range(5):
        ask("PutItem", **of, Item={"pk": {"S": "a"}, "sk": {"N": str(n)}, "n": {"N": "1"}, "w": {"L": [{"S": "x"}, {"BOOL": True}]}})
    key = {"pk": {"S": "a"}, "sk": {"N": "1"}}
    ask("PutItem", **of, Item=key, ConditionExpression="attribute_not_exists(pk)")
    ask("PutItem", **of, Item=key, ConditionExpression="attribute_not_exists(pk)", ReturnValuesOnConditionCheckFailure="ALL_OLD")
    ask("PutItem", **of, Item={"pk": {"S": "a"}})
    ask("PutItem", **of, Item={"pk": {"N": "1"}, "sk": {"N": "1"}})
    ask("PutItem", **of, Item={"pk": {"S": ""}, "sk": {"N": "1"}})
    ask("PutItem", **of, Item={**key, "s": {"SS": []}})
    ask("PutItem", **of, Item={**key, "s": {"SS": ["a", "a"]}})
    ask("PutItem", **of, Item={**key, "n": {"N": "one"}})
    ask("PutItem", **of, Item={**key, "big": {"S": "x" * 410_000}})
    ask("PutItem", TableName="nothing", Item=key)
    ask("PutItem", **of, Item={**key, "n": {"N": "1.50"}}, ReturnValues="ALL_OLD")
    one = {":one": {"N": "1"}}
    change = lambda words, values=None, **more: ask(  # noqa: E731
        "UpdateItem", **of, Key=key, UpdateExpression=words, **({"ExpressionAttributeValues": values} if values else {}), **more
    )
    change("SET n = n + :one", one, ReturnValues="ALL_NEW")
    change("SET n = n + :one", one, ReturnValues="UPDATED_OLD")
    change("SET m = if_not_exists(m, :one) REMOVE w", one, ReturnValues="UPDATED_NEW")
    change("ADD c :one", one, ReturnValues="ALL_OLD")
    change("SET l = list_append(:l, :l)", {":l": {"L": [{"S": "y"}]}}, ReturnValues="UPDATED_NEW")
    change("SET n = :one", {**one, ":two": {"N": "77"}}, ConditionExpression="n = :two")
    change("SET n = :one", {**one, ":unused": {"S": "x"}})
    change("SET pk = :one", one)
    change("SET", one)
    change("SET n = missing + :one", one)
    change("SET n = :one, n = :one", one)
    change("SET size = :one", one)
    change("SET #s = :one", one, ExpressionAttributeNames={"#s": "size"}, ReturnValues="UPDATED_NEW")
    change("ADD t :set", {":set": {"SS": ["a"]}}, ReturnValues="UPDATED_NEW")
    ask("UpdateItem", TableName="nothing", Key=key, UpdateExpression="SET n = :one", ExpressionAttributeValues=one)
    ask("GetItem", **of, Key=key)
    ask("GetItem", **of, Key=key, ConsistentRead=True, ProjectionExpression="n, l[0]")
    ask("GetItem", **of, Key={"pk": {"S": "b"}, "sk": {"N": "1"}})
    ask("GetItem", **of, Key={"pk": {"S": "b"}})
    ask("GetItem", **of, Key={**key, "n": {"N": "1"}})
    ask("GetItem", TableName="nothing", Key=key)
    by = {":pk": {"S": "a"}}
    query = lambda words, values, **more: ask(  # noqa: E731
        "Query", **of, KeyConditionExpression=words, ExpressionAttributeValues=values, **more
    )
    query("pk = :pk", by, Limit=2)
    query("pk = :pk", by, ScanIndexForward=False)
    query("pk = :pk AND sk BETWEEN :a AND :b", {**by, ":a": {"N": "1"}, ":b": {"N": "3"}})
    query("pk = :pk AND sk > :a", {**by, ":a": {"N": "3"}}, Select="COUNT")
    query("pk = :pk", {**by, **one}, FilterExpression="n > :one AND attribute_exists(m)")
    query("pk = :pk", by, ExclusiveStartKey={"pk": {"S": "a"}, "sk": {"N": "3"}})
    query("pk > :pk", by)
    query("sk = :a", {":a": {"N": "1"}})
    query("pk = :pk AND begins_with(sk, :a)", {**by, ":a": {"N": "1"}})
    query("pk = :pk", {":pk": {"N": "1"}})
    query("pk = :pk", by, Limit=0)
    query("pk = :pk", {**by, **one}, FilterExpression="sk = :one")
    ask("Query", TableName="nothing", KeyConditionExpression="pk = :pk", ExpressionAttributeValues=by)
    ask("DeleteItem", **of, Key=key, ConditionExpression="n = :one", ExpressionAttributeValues=one)
    ask("DeleteItem", **of, Key=key, ReturnValues="ALL_OLD")
    ask("DeleteItem", **of, Key=key, ReturnValues="ALL_OLD")
    ask("DeleteItem", **of, Key=key, ReturnValues="ALL_NEW")
    ask("DeleteItem", TableName="nothing", Key=key)
    ask("DeleteTable", TableName="things")
    ask("DeleteTable", TableName="nothing")
