// How a page is sent.
import type { FastifyReply } from "fastify";

// Pages may load what this service has, and nothing else; nobody may frame them.
const SECURITY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

// Without a referrer a browser says of no form where it comes from: it would send `Origin: null`, and be refused.
// https://fetch.spec.whatwg.org/#append-a-request-origin-header
const REFERRER = "same-origin";

export function sendPage(reply: FastifyReply, status: number, page: string): FastifyReply {
  return reply
    .code(status)
    .header("content-security-policy", SECURITY)
    .header("referrer-policy", REFERRER)
    .type("text/html; charset=utf-8")
    .serializer((text: string) => text)
    .send(page);
}
