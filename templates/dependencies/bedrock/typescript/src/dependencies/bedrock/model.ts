// A model in Amazon Bedrock under a `Guard`.
import { BedrockRuntimeClient, ConverseCommand } from "@aws-sdk/client-bedrock-runtime";
import { metrics } from "@opentelemetry/api";
import { SERVICE, type Settings } from "../../settings.ts";
import { awsOptions, explained } from "../aws.ts";
import { Dependency } from "../dependency.ts";
import { type Policy, SECONDS } from "../guard.ts";

export interface Prompt {
  /** What is asked for, apart from what it is about: text of users gives no instructions. */
  readonly instructions: string;
  readonly text: string;
  readonly maxTokens: number;
}

export interface Completion {
  readonly text: string;
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly stopReason: string;
}

/** Text of others, as it may stand inside an element of a prompt: it cannot end it. */
export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

export class Model extends Dependency {
  readonly kind = "bedrock";
  readonly modelId: string;
  readonly #client = new BedrockRuntimeClient(awsOptions());
  readonly #tokens;
  readonly #duration;

  constructor(name: string, modelId: string, policy: Policy, settings: Settings) {
    super(name, policy, settings);
    this.modelId = modelId;
    const meter = metrics.getMeter(SERVICE);
    this.#tokens = meter.createHistogram("gen_ai.client.token.usage", { unit: "{token}" });
    this.#duration = meter.createHistogram("gen_ai.client.operation.duration", SECONDS);
  }

  /** Asking twice changes nothing, so that it may be tried again. */
  async converse(prompt: Prompt): Promise<Completion> {
    const began = performance.now();
    const attempt = (signal: AbortSignal) => this.#send(prompt, signal);
    const completion = await this.guard.call({ operation: "Converse", idempotent: true, attempt });
    const about = {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "aws.bedrock",
      "gen_ai.request.model": this.modelId,
    };
    this.#duration.record((performance.now() - began) / 1_000, about);
    this.#tokens.record(completion.inputTokens, { ...about, "gen_ai.token.type": "input" });
    this.#tokens.record(completion.outputTokens, { ...about, "gen_ai.token.type": "output" });
    return completion;
  }

  /** A question to it costs money: any answer of the service itself will do. */
  async whyNotReady(signal: AbortSignal): Promise<string | undefined> {
    const given = process.env["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"];
    const url = given ?? `https://bedrock-runtime.${await this.#client.config.region()}.amazonaws.com`;
    const response = await fetch(url, { signal });
    await response.body?.cancel();
    return response.status >= 500 ? `answers ${response.status}` : undefined;
  }

  close(): Promise<void> {
    this.#client.destroy();
    return Promise.resolve();
  }

  async #send(prompt: Prompt, abortSignal: AbortSignal): Promise<Completion> {
    const command = new ConverseCommand({
      modelId: this.modelId,
      system: [{ text: prompt.instructions }],
      messages: [{ role: "user", content: [{ text: prompt.text }] }],
      inferenceConfig: { maxTokens: prompt.maxTokens },
    });
    try {
      const { output, usage, stopReason } = await this.#client.send(command, { abortSignal });
      return {
        text: (output?.message?.content ?? []).map((part) => part.text ?? "").join(""),
        model: this.modelId,
        inputTokens: usage?.inputTokens ?? 0,
        outputTokens: usage?.outputTokens ?? 0,
        stopReason: stopReason ?? "unknown",
      };
    } catch (error) {
      throw explained(this.name, error);
    }
  }
}
