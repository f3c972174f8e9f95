// Errors as problem documents (RFC 9457), the same shape for every error there is.
import { STATUS_CODES } from "node:http";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

/** Throw this to answer with an error. */
export class Problem extends Error {
  override readonly name: string = "Problem";
  readonly status: number;
  readonly members: Record<string, unknown>;
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    detail: string,
    members: Record<string, unknown> = {},
    headers: Record<string, string> = {},
  ) {
    super(detail);
    this.status = status;
    this.members = members;
    this.headers = headers;
  }

  /** The document. */
  document(requestId: string): Record<string, unknown> {
    const title = STATUS_CODES[this.status] ?? "Error";
    const { status, message: detail } = this;
    return { type: "about:blank", title, status, detail, request_id: requestId, ...this.members };
  }
}

/** Sends a problem document. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  const document = JSON.stringify(problem.document(reply.request.id));
  return reply
    .code(problem.status)
    .headers(problem.headers)
    .type("application/problem+json")
    .serializer((text: string) => text)
    .send(document);
}

const NOTHING_HERE = "there is nothing at this address";

type Invalid = NonNullable<FastifyError["validation"]>[number];

/** The parts of a request, by Fastify's names for them. */
const PLACES: Readonly<Record<string, string>> = { querystring: "query", params: "path", headers: "header" };

/** Where the fault is; the value that is there is never repeated, because it may be secret. */
function fieldOf(fault: Invalid, context: string): string {
  const member = fault.params["missingProperty"] ?? fault.params["additionalProperty"];
  const path = fault.instancePath.split("/").slice(1);
  return [PLACES[context] ?? context, ...path, ...(typeof member === "string" ? [member] : [])].join(".");
}

function invalid(faults: readonly Invalid[], context: string): Problem {
  const errors = faults.map((fault) => ({ field: fieldOf(fault, context), message: fault.message ?? "is wrong" }));
  return new Problem(422, errors.map((error) => `${error.field}: ${error.message}`).join("; "), { errors });
}

/** What an error of any kind is to the caller. */
export function asProblem(error: FastifyError | Problem): Problem {
  if (error instanceof Problem) return error;
  // What cannot be a part of an address is not there, as any other part that nothing goes by.
  if (error.validation && error.validationContext === "params") return new Problem(404, NOTHING_HERE);
  if (error.validation) return invalid(error.validation, error.validationContext ?? "request");
  const status = error.statusCode ?? 500;
  if (error.code === "FST_ERR_BAD_URL") return new Problem(400, "the address cannot be decoded");
  // What went wrong inside is for the log, not for the caller.
  return status < 500 ? new Problem(status, error.message) : new Problem(500, "something went wrong on our side");
}

/** Answers every error of the service with a problem document, or as `answer` does. */
export function installProblems(service: FastifyInstance, answer = answerWithDocument): void {
  const methods = new Map<string, Set<string>>();
  service.addHook("onRoute", (route) => {
    const known = methods.get(route.url) ?? new Set<string>();
    for (const method of [route.method].flat()) known.add(method);
    methods.set(route.url, known);
  });
  service.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = asProblem(error);
    if (problem.status === 500) request.log.error({ err: error }, "unexpected error");
    return answer(request, reply, problem);
  });
  const notFound = (request: FastifyRequest, reply: FastifyReply) => {
    const path = request.url.split("?")[0] ?? "";
    const allowed = [...methods].find(([pattern]) => matches(pattern, path))?.[1];
    const problem =
      allowed?.has(request.method) === false
        ? new Problem(405, "this address does not take this method", {}, { allow: [...allowed].join(", ") })
        : new Problem(404, NOTHING_HERE);
    return answer(request, reply, problem);
  };
  service.setNotFoundHandler(notFound);
  // Whatever body it has: nobody will read it.
  service.addHook("onRequest", (request, reply, done) => {
    if (request.is404) notFound(request, reply);
    else done();
  });
}

function answerWithDocument(_: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  return sendProblem(reply, problem);
}

function matches(pattern: string, path: string): boolean {
  const [wanted, given] = [pattern.split("/"), path.split("/")];
  const fits = (part: string, index: number) => part === given[index] || (part.startsWith(":") && given[index] !== "");
  return wanted.length === given.length && wanted.every(fits);
}
