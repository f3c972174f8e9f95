"""DynamoDB tables and SQS queues."""

from witness import Witness


def dynamodb(w: Witness) -> None:
    db = w.client("dynamodb")
    key = {"pk": {"S": "a"}}
    db.create_table(
        TableName="things",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    db.describe_table(TableName="things")
    w.refused("ResourceNotFoundException", db.describe_table, TableName="nothing")
    w.holds("a table is listed", "things" in db.list_tables()["TableNames"])
    db.put_item(TableName="things", Item={**key, "n": {"N": "1"}})
    w.refused(
        "ConditionalCheckFailedException",
        db.put_item,
        TableName="things",
        Item=key,
        ConditionExpression="attribute_not_exists(pk)",
    )
    answer = db.update_item(
        TableName="things",
        Key=key,
        UpdateExpression="SET n = n + :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
        ReturnValues="ALL_NEW",
    )
    w.holds("a number is added to", answer["Attributes"]["n"] == {"N": "2"})
    w.holds("an item is found", db.get_item(TableName="things", Key=key)["Item"]["n"] == {"N": "2"})
    found = db.query(
        TableName="things", KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": "a"}}
    )
    w.holds("a query finds it", found["Count"] == 1)
    db.delete_item(TableName="things", Key=key)
    w.holds("it is gone", "Item" not in db.get_item(TableName="things", Key=key))
    db.delete_table(TableName="things")


def sqs(w: Witness) -> None:
    client = w.client("sqs")
    url = client.create_queue(QueueName="work")["QueueUrl"]
    w.holds("a queue is found", client.get_queue_url(QueueName="work")["QueueUrl"] == url)
    w.refused("AWS.SimpleQueueService.NonExistentQueue", client.get_queue_url, QueueName="nothing")
    w.holds("a queue is listed", url in client.list_queues()["QueueUrls"])
    client.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "5"})
    attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    w.holds("an attribute is kept", attributes["VisibilityTimeout"] == "5")
    client.send_message(QueueUrl=url, MessageBody="one")
    (message,) = client.receive_message(QueueUrl=url)["Messages"]
    client.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    (message,) = client.receive_message(QueueUrl=url)["Messages"]
    client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    entries = [{"Id": str(n), "MessageBody": "x"} for n in range(3)]
    client.send_message_batch(QueueUrl=url, Entries=entries)
    messages = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    handles = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(messages)]
    client.delete_message_batch(QueueUrl=url, Entries=handles)
    client.purge_queue(QueueUrl=url)
    client.delete_queue(QueueUrl=url)
