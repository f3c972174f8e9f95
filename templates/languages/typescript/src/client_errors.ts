// What is not HTTP, or comes too slowly, never reaches a route; it is answered here and cut off.
import { randomUUID } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { Problem } from "./problems.ts";

const STATUS_OF: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};

export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  const status = STATUS_OF[error.code ?? ""] ?? 400;
  const reason = STATUS_CODES[status] ?? "Error";
  const document = JSON.stringify(new Problem(status, reason.toLowerCase()).document(randomUUID()));
  const head = [
    `HTTP/1.1 ${status} ${reason}`,
    "content-type: application/problem+json",
    `content-length: ${Buffer.byteLength(document)}`,
    "x-content-type-options: nosniff",
    "cache-control: no-store",
    "connection: close",
  ];
  if (socket.writable && error.code !== "ECONNRESET") socket.write(`${head.join("\r\n")}\r\n\r\n${document}`);
  socket.destroySoon();
}
