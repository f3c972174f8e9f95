// How a page is sent.
import type { FastifyReply } from "fastify";

// Pages may load what this service has, and nothing else; nobody may frame them.
const SECURITY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

export function sendPage(reply: FastifyReply, status: number, page: string): FastifyReply {
  return reply
    .code(status)
    .header("content-security-policy", SECURITY)
    .type("text/html; charset=utf-8")
    .serializer((text: string) => text)
    .send(page);
}
