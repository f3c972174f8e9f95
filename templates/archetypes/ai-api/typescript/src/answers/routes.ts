// `POST /v1/answers`: a question, answered from the newest notes.
import type { FastifyInstance } from "fastify";
import { type Static, Type } from "typebox";
import type { Completion, Model } from "../dependencies/bedrock/model.ts";
import { Usage } from "../dependencies/bedrock/summaries.ts";
import { Fallback } from "../dependencies/fallback.ts";
import type { NoteStore } from "../notes/store.ts";
import type { Settings } from "../settings.ts";
import { chosen, INSTRUCTIONS, prompt } from "./prompt.ts";
import { guessed, TokenBudget } from "./token_budget.ts";

const MOST_NOTES = 20;

const Question = Type.Object(
  { question: Type.String({ minLength: 1, maxLength: 2_000, pattern: "\\S" }) },
  { additionalProperties: false },
);
type Question = Static<typeof Question>;

const AnswerWithSources = Type.Object({
  answer: Type.String(),
  model: Type.String(),
  usage: Usage,
  stop_reason: Type.String(),
  sources: Type.Array(Type.String()),
});

export function answerRoutes(service: FastifyInstance, settings: Settings, model: Model, notes: NoteStore): void {
  const budget = new TokenBudget(settings.TOKENS_PER_MINUTE);
  const maxTokens = settings.MAX_OUTPUT_TOKENS;
  const fallback = new Fallback<Completion>(model.guard);
  const standIn = (): Completion => ({
    text: "The question cannot be answered at the moment.",
    model: model.modelId,
    inputTokens: 0,
    outputTokens: 0,
    stopReason: "fallback",
  });

  service.post<{ Body: Question }>(
    "/v1/answers",
    { schema: { summary: "Answer a question from the notes", body: Question, response: { 200: AnswerWithSources } } },
    async (request) => {
      const sources = chosen(await notes.newest(MOST_NOTES));
      const text = prompt(request.body.question.trim(), sources);
      const taken = budget.take(guessed(INSTRUCTIONS + text) + maxTokens);
      let used = 0;
      try {
        const live = async () => {
          const completion = await model.converse({ instructions: INSTRUCTIONS, text, maxTokens });
          used = completion.inputTokens + completion.outputTokens;
          return completion;
        };
        const { value } = await fallback.or(text, live, standIn);
        return {
          answer: value.text,
          model: value.model,
          usage: { input_tokens: value.inputTokens, output_tokens: value.outputTokens },
          stop_reason: value.stopReason,
          sources: sources.map((note) => note.id),
        };
      } finally {
        budget.settle(taken, used);
      }
    },
  );
}
