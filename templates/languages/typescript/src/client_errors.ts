// What is not HTTP, or comes too slowly, never reaches a route; it is answered here and cut off.
import { randomUUID } from "node:crypto";
import { type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { Problem } from "./problems.ts";
import { SECURITY_HEADERS } from "./request_frame.ts";

const STATUS_OF: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};

export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  const status = STATUS_OF[error.code ?? ""] ?? 400;
  const reason = STATUS_CODES[status] ?? "Error";
  const id = randomUUID();
  const document = JSON.stringify(new Problem(status, reason.toLowerCase()).document(id));
  const head = [
    `HTTP/1.1 ${status} ${reason}`,
    "content-type: application/problem+json",
    `content-length: ${Buffer.byteLength(document)}`,
    `x-request-id: ${id}`,
    ...Object.entries(SECURITY_HEADERS).map(([name, value]) => `${name}: ${value}`),
    "connection: close",
  ];
  if (socket.writable && error.code !== "ECONNRESET") socket.write(`${head.join("\r\n")}\r\n\r\n${document}`);
  socket.destroySoon();
}

/** `Expect: 100-continue` is Node's to answer; what else somebody expects is not done here. */
export function answerExpectations(server: Server): void {
  server.on("checkExpectation", (_, response: ServerResponse) => {
    const id = randomUUID();
    const document = JSON.stringify(new Problem(417, "only 100-continue can be expected").document(id));
    const headers = { ...SECURITY_HEADERS, "x-request-id": id, connection: "close" };
    response.writeHead(417, { ...headers, "content-type": "application/problem+json" }).end(document);
  });
}
