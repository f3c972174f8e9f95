// An S3 bucket under a `Guard`.
import { GetObjectCommand, HeadBucketCommand, NoSuchKey, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { Settings } from "../../settings.ts";
import { awsOptions, explained, whyNot } from "../aws.ts";
import { Dependency } from "../dependency.ts";
import type { Policy } from "../guard.ts";

export interface Stored {
  readonly type: string;
  readonly bytes: Uint8Array;
}

export class Bucket extends Dependency {
  readonly kind = "s3";
  readonly #bucket: string;
  // Another S3 than Amazon's rarely has a name for each bucket.
  readonly #client = new S3Client({ ...awsOptions(), forcePathStyle: Boolean(process.env["AWS_ENDPOINT_URL_S3"]) });

  constructor(name: string, bucket: string, policy: Policy, settings: Settings) {
    super(name, policy, settings);
    this.#bucket = bucket;
  }

  async put(key: string, { type, bytes }: Stored): Promise<void> {
    const command = () => new PutObjectCommand({ Bucket: this.#bucket, Key: key, Body: bytes, ContentType: type });
    await this.#call("PutObject", (abortSignal) => this.#client.send(command(), { abortSignal }));
  }

  /** What was stored last, or undefined. */
  get(key: string): Promise<Stored | undefined> {
    return this.#call("GetObject", async (abortSignal) => {
      try {
        const command = new GetObjectCommand({ Bucket: this.#bucket, Key: key });
        const { Body, ContentType } = await this.#client.send(command, { abortSignal });
        const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
        return { type: ContentType ?? "application/octet-stream", bytes };
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    });
  }

  whyNotReady(abortSignal: AbortSignal): Promise<string | undefined> {
    return whyNot(this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket }), { abortSignal }));
  }

  close(): Promise<void> {
    this.#client.destroy();
    return Promise.resolve();
  }

  /** Storing the same thing twice is storing it once, so that everything may be tried again. */
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
