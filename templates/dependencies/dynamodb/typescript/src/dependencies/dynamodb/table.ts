// A DynamoDB table under a `Guard`: lists of words by key.
import { DescribeTableCommand, DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import type { Settings } from "../../settings.ts";
import { awsOptions, explained, whyNot } from "../aws.ts";
import { Dependency } from "../dependency.ts";
import { type Answer, Fallback } from "../fallback.ts";
import type { Policy } from "../guard.ts";

export class Table extends Dependency {
  readonly kind = "dynamodb";
  readonly #table: string;
  readonly #client = new DynamoDBClient(awsOptions());
  readonly #fallback: Fallback<string[]>;

  constructor(name: string, table: string, policy: Policy, settings: Settings) {
    super(name, policy, settings);
    this.#table = table;
    this.#fallback = new Fallback(this.guard);
  }

  async putLabels(key: string, labels: readonly string[]): Promise<void> {
    const Item = { pk: { S: key }, labels: { L: labels.map((label) => ({ S: label })) } };
    await this.#call("PutItem", (abortSignal) =>
      this.#client.send(new PutItemCommand({ TableName: this.#table, Item }), { abortSignal }),
    );
  }

  /** An empty list when there are none; falls back as the policy says. */
  labels(key: string): Promise<Answer<string[]>> {
    const command = () => new GetItemCommand({ TableName: this.#table, Key: { pk: { S: key } }, ConsistentRead: true });
    const live = () =>
      this.#call("GetItem", async (abortSignal) => {
        const { Item } = await this.#client.send(command(), { abortSignal });
        return (Item?.["labels"]?.L ?? []).flatMap((label) => label.S ?? []);
      });
    return this.#fallback.or(key, live, () => []);
  }

  whyNotReady(abortSignal: AbortSignal): Promise<string | undefined> {
    return whyNot(this.#client.send(new DescribeTableCommand({ TableName: this.#table }), { abortSignal }));
  }

  close(): Promise<void> {
    this.#client.destroy();
    return Promise.resolve();
  }

  /** Writing the same item twice is writing it once, so that everything may be tried again. */
  #call<T>(operation: string, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const attempt = async (signal: AbortSignal) => {
      try {
        return await send(signal);
      } catch (error) {
        throw explained(this.name, error);
      }
    };
    return this.guard.call({ operation, idempotent: true, attempt });
  }
}
