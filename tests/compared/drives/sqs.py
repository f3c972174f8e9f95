"""SQS."""

from side import Side


def drive(on: Side) -> None:
    ask = on.client("sqs")
    url = ask("CreateQueue", QueueName="work", Attributes={"VisibilityTimeout": "20"})["QueueUrl"]
    ask("CreateQueue", QueueName="work", Attributes={"VisibilityTimeout": "20"})
    ask("CreateQueue", QueueName="work", Attributes={"VisibilityTimeout": "21"})
    ask("CreateQueue", QueueName="no spaces")
    ask("CreateQueue", QueueName="x" * 81)
    ask("CreateQueue", QueueName="odd", Attributes={"Colour": "red"})
    ask("CreateQueue", QueueName="late", Attributes={"VisibilityTimeout": "43201"})
    for name in ("odd", "late"):
        ask.ask("DeleteQueue", QueueUrl=url.replace("work", name))
    ask("GetQueueUrl", QueueName="work")
    ask("GetQueueUrl", QueueName="nothing")
    ask("ListQueues")
    ask("ListQueues", QueueNamePrefix="wo")
    ask("ListQueues", QueueNamePrefix="no")
    ask("SetQueueAttributes", QueueUrl=url, Attributes={"VisibilityTimeout": "30", "ReceiveMessageWaitTimeSeconds": "0"})
    ask("SetQueueAttributes", QueueUrl=url, Attributes={"VisibilityTimeout": "-1"})
    ask("SetQueueAttributes", QueueUrl=url, Attributes={"Colour": "red"})
    ask.ask("SetQueueAttributes", QueueUrl=url, Attributes={"VisibilityTimeout": "30"})
    ask("GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])
    ask("GetQueueAttributes", QueueUrl=url, AttributeNames=["QueueArn", "VisibilityTimeout"])
    ask("GetQueueAttributes", QueueUrl=url)
    ask("GetQueueAttributes", QueueUrl=url, AttributeNames=["Colour"])
    ask("GetQueueAttributes", QueueUrl=url + "x", AttributeNames=["All"])
    ask("SendMessage", QueueUrl=url + "x", MessageBody="one")
    ask("SendMessage", QueueUrl=url, MessageBody="")
    ask("SendMessage", QueueUrl=url, MessageBody="\x00")
    ask("SendMessage", QueueUrl=url, MessageBody="one", DelaySeconds=901)
    ask("SendMessage", QueueUrl=url, MessageBody="x" * (1024 * 1024 + 1))
    # moto takes the ones that are refused above.
    for one in ask.ask("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        ask.ask("DeleteMessage", QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    ask("SendMessage", QueueUrl=url, MessageBody="one")
    got = ask("ReceiveMessage", QueueUrl=url, MessageSystemAttributeNames=["All"])
    handle = got["Messages"][0]["ReceiptHandle"]
    ask("ReceiveMessage", QueueUrl=url)
    ask("GetQueueAttributes", QueueUrl=url, AttributeNames=["ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessages"])
    ask("ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=43201)
    ask("ChangeMessageVisibility", QueueUrl=url, ReceiptHandle="x", VisibilityTimeout=0)
    ask("ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    handle = ask("ReceiveMessage", QueueUrl=url)["Messages"][0]["ReceiptHandle"]
    ask("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=11)
    ask("ReceiveMessage", QueueUrl=url, WaitTimeSeconds=21)
    ask("ReceiveMessage", QueueUrl=url + "x")
    ask("DeleteMessage", QueueUrl=url, ReceiptHandle=handle)
    ask("DeleteMessage", QueueUrl=url, ReceiptHandle=handle)
    ask("DeleteMessage", QueueUrl=url, ReceiptHandle="x")
    ask("SendMessageBatch", QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": "x"} for n in range(3)])
    ask("SendMessageBatch", QueueUrl=url, Entries=[])
    ask("SendMessageBatch", QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "x"}] * 2)
    ask("SendMessageBatch", QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": "x"} for n in range(11)])
    ask("SendMessageBatch", QueueUrl=url, Entries=[{"Id": "a b", "MessageBody": "x"}])
    handles = []
    while len(handles) < 3:
        handles += [one["ReceiptHandle"] for one in ask.ask("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10)["Messages"]]
    entries = [{"Id": str(n), "ReceiptHandle": one} for n, one in enumerate(handles)]
    ask("DeleteMessageBatch", QueueUrl=url, Entries=[entries[0], {"Id": "bad", "ReceiptHandle": "x"}])
    ask("DeleteMessageBatch", QueueUrl=url, Entries=entries[1:])
    ask("DeleteMessageBatch", QueueUrl=url, Entries=[])
    ask("PurgeQueue", QueueUrl=url)
    ask("PurgeQueue", QueueUrl=url)
    ask("PurgeQueue", QueueUrl=url + "x")
    ask("DeleteQueue", QueueUrl=url)
    ask("DeleteQueue", QueueUrl=url)
