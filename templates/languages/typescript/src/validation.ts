// Checks what comes in against its schema. A body is taken as it is; elsewhere everything is text, so numbers are read.
import { Ajv } from "ajv";
import type { FastifyInstance } from "fastify";
import { WELL_FORMED } from "./notes/model.ts";
import { Problem } from "./problems.ts";

const OPTIONS = {
  allErrors: true,
  useDefaults: true,
  formats: { [WELL_FORMED]: (text: string) => text.isWellFormed() },
};
export const asItIs = new Ajv(OPTIONS);
const fromText = new Ajv({ ...OPTIONS, coerceTypes: true });

const utf8 = new TextDecoder("utf-8", { fatal: true });

function decoded(body: Buffer): string {
  try {
    return utf8.decode(body);
  } catch {
    throw new Problem(400, "the body is not UTF-8");
  }
}

export function installValidation(service: FastifyInstance): void {
  service.setValidatorCompiler(({ schema, httpPart }) =>
    (httpPart === "body" ? asItIs : fromText).compile(schema as object),
  );
  // Fastify's own parser keeps a replacement character where bytes are no text; this one refuses them.
  const parse = service.getDefaultJsonParser("error", "error");
  service.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body: Buffer, done) => {
    try {
      void parse(request, decoded(body), done);
    } catch (error) {
      done(error as Error);
    }
  });
  // JSON, or what a route says otherwise; anything else is 415.
  service.removeContentTypeParser("text/plain");
}
