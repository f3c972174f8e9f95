// Errors are pages for callers that prefer HTML, and problem documents for all others.
import { STATUS_CODES } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import { type Problem, sendProblem } from "../problems.ts";
import { sendPage } from "./answers.ts";
import { problemPage } from "./views.ts";

const JSON_TYPES = ["application/json", "application/problem+json"];

/** Whether a caller named HTML, and no JSON that it likes as much. */
export function prefersHtml(accept: string): boolean {
  const liked = new Map<string, number>();
  for (const part of accept.toLowerCase().split(",")) {
    const [type = "", ...parameters] = part.split(";").map((word) => word.trim());
    const quality = parameters.find((parameter) => parameter.startsWith("q="));
    liked.set(type, quality === undefined ? 1 : Number(quality.slice(2)) || 0);
  }
  const html = liked.get("text/html") ?? 0;
  return html > Math.max(0, ...JSON_TYPES.map((type) => liked.get(type) ?? 0));
}

export function answerWithPage(request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  if (!prefersHtml(request.headers.accept ?? "")) return sendProblem(reply, problem);
  const title = STATUS_CODES[problem.status] ?? "Error";
  return sendPage(reply.headers(problem.headers), problem.status, problemPage(title, problem.message, request.id));
}
