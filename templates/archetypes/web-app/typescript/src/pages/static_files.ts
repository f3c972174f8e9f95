// Static files under names that hold a digest of their content, so that browsers may keep them for a year.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, parse } from "node:path";

const FOLDER = join(import.meta.dirname, "static");
const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
};

export interface StaticFile {
  readonly content: Buffer;
  readonly type: string;
}

const names = new Map<string, string>();
const files = new Map<string, StaticFile>();
for (const file of readdirSync(FOLDER)) {
  const content = readFileSync(join(FOLDER, file));
  const { name: stem, ext } = parse(file);
  const name = `${stem}.${createHash("sha256").update(content).digest("hex").slice(0, 16)}${ext}`;
  names.set(file, name);
  files.set(name, { content, type: TYPES[ext] ?? "application/octet-stream" });
}

/** Where a page finds the file. */
export function addressOf(file: string): string {
  return `/static/${names.get(file) ?? file}`;
}

/** One file by the name that holds its digest. */
export function staticFile(name: string): StaticFile | undefined {
  return files.get(name);
}
