// An SQS queue under a `Guard`: the service writes to it and never reads.
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { Settings } from "../../settings.ts";
import { awsOptions, explained, whyNot } from "../aws.ts";
import { Dependency } from "../dependency.ts";
import type { Policy } from "../guard.ts";

export class Queue extends Dependency {
  readonly kind = "sqs";
  readonly #url: string;
  // The queue's URL is its name, not the way to it, where another endpoint is set.
  readonly #client = new SQSClient({ ...awsOptions(), useQueueUrlAsEndpoint: !process.env["AWS_ENDPOINT_URL_SQS"] });

  constructor(name: string, url: string, policy: Policy, settings: Settings) {
    super(name, policy, settings);
    this.#url = url;
  }

  /** The id of the message. Tried again only with a key in it, by which its reader knows a second one. */
  send(message: { readonly idempotency_key: string | null }): Promise<string> {
    const attempt = async (abortSignal: AbortSignal) => {
      try {
        const command = new SendMessageCommand({ QueueUrl: this.#url, MessageBody: JSON.stringify(message) });
        const { MessageId = "" } = await this.#client.send(command, { abortSignal });
        return MessageId;
      } catch (error) {
        throw explained(this.name, error);
      }
    };
    return this.guard.call({ operation: "SendMessage", idempotent: message.idempotency_key !== null, attempt });
  }

  whyNotReady(abortSignal: AbortSignal): Promise<string | undefined> {
    const question = new GetQueueAttributesCommand({ QueueUrl: this.#url, AttributeNames: ["QueueArn"] });
    return whyNot(this.#client.send(question, { abortSignal }));
  }

  close(): Promise<void> {
    this.#client.destroy();
    return Promise.resolve();
  }
}
