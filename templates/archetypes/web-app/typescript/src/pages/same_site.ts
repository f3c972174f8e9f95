// Refuses forms that another site's page sends in the name of its visitor.
import type { FastifyRequest } from "fastify";
import { Problem } from "../problems.ts";

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

/** What is no browser sends neither header and has no visitor to deceive. */
function isFromHere({ headers }: FastifyRequest): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined) return site === "same-origin" || site === "none";
  if (headers.origin === undefined) return true;
  // Behind the edge the public name is the forwarded one; a page of another site can set neither.
  const host = hostOf(headers.origin);
  return host !== undefined && (host === headers.host || host === headers["x-forwarded-host"]);
}

export function onlyFromThisSite(request: FastifyRequest): void {
  if (!isFromHere(request)) throw new Problem(403, "this form was sent from another site");
}
