// Checks what comes in against its schema. A body is taken as it is; elsewhere everything is text, so numbers are read.
import { Ajv } from "ajv";
import type { FastifyInstance } from "fastify";

const asItIs = new Ajv({ allErrors: true, useDefaults: true });
const fromText = new Ajv({ allErrors: true, useDefaults: true, coerceTypes: true });

export function installValidation(service: FastifyInstance): void {
  service.setValidatorCompiler(({ schema, httpPart }) =>
    (httpPart === "body" ? asItIs : fromText).compile(schema as object),
  );
  // JSON, or what a route says otherwise; anything else is 415.
  service.removeContentTypeParser("text/plain");
}
