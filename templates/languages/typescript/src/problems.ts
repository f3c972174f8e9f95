// Errors as problem documents (RFC 9457), the same shape for every error there is.
import { STATUS_CODES } from "node:http";
import type { FastifyError, FastifyInstance, FastifyReply } from "fastify";

/** Throw this to answer with an error. */
export class Problem extends Error {
  readonly status: number;
  readonly members: Record<string, unknown>;
  readonly headers: Record<string, string>;

  constructor(status: number, detail: string, members: Record<string, unknown> = {}, headers: Record<string, string> = {}) {
    super(detail);
    this.status = status;
    this.members = members;
    this.headers = headers;
  }
}

/** Sends a problem document. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply
    .code(problem.status)
    .headers(problem.headers)
    .type("application/problem+json")
    .send({
      type: "about:blank",
      title: STATUS_CODES[problem.status] ?? "Error",
      status: problem.status,
      detail: problem.message,
      request_id: reply.request.id,
      ...problem.members,
    });
}

/** What an error of any kind is to the caller. */
function asProblem(error: FastifyError | Problem): Problem {
  if (error instanceof Problem) return error;
  if (error.code === "FST_ERR_HANDLER_TIMEOUT") return new Problem(504, "the request took too long");
  if (error.validation) {
    // Names the fields but does not echo their values: they may be secret.
    const errors = error.validation.map((one) => ({ field: one.instancePath || "/", message: one.message }));
    return new Problem(422, error.validation.map((one) => `${one.instancePath} ${one.message}`.trim()).join("; "), { errors });
  }
  const status = error.statusCode ?? 500;
  // What went wrong inside is for the log, not for the caller.
  return status < 500 ? new Problem(status, error.message) : new Problem(500, "something went wrong on our side");
}

/** Answers every error of the service with a problem document. */
export function installProblems(service: FastifyInstance): void {
  service.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = asProblem(error);
    if (problem.status === 500) request.log.error({ err: error }, "unexpected error");
    return sendProblem(reply, problem);
  });
  service.setNotFoundHandler((_, reply) => sendProblem(reply, new Problem(404, "there is nothing at this address")));
}
