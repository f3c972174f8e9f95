// What the pages look like. `html` escapes everything that is put into it; `!${...}` is for what is HTML already.
import { html } from "ghtml";
import type { Note, NotePage } from "../notes/model.ts";
import { SERVICE } from "../settings.ts";
import { addressOf } from "./static_files.ts";

/** A form as it was typed. */
export interface Typed {
  readonly title: string;
  readonly text: string;
}

function page(title: string, content: string): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <link rel="stylesheet" href="${addressOf("style.css")}" />
      </head>
      <body>
        <header><a href="/">${SERVICE}</a></header>
        <main>!${content}</main>
      </body>
    </html>`;
}

/** Notes, and a form for another one; `key` makes it one note however often it is sent. */
export function listPage(notes: NotePage, key: string, typed: Typed, wrong: readonly string[]): string {
  const items = notes.items.map(({ id, title }) => html`<li><a href="/notes/${id}">${title}</a></li>`);
  const list =
    items.length > 0
      ? html`<ol class="notes">
          !${items.join("")}
        </ol>`
      : html`<p>There are none yet.</p>`;
  const cursor = notes.next_cursor;
  const more = cursor === null ? "" : html`<p><a href="/?cursor=${cursor}" rel="next">More notes</a></p>`;
  return page(
    SERVICE,
    html`<h1>Notes</h1>
      !${list} !${more}
      <h2>A new note</h2>
      !${faults(wrong)} !${form(key, typed)}`,
  );
}

function faults(wrong: readonly string[]): string {
  if (wrong.length === 0) return "";
  return html`<ul class="wrong" role="alert">
    !${wrong.map((one) => html`<li>${one}</li>`).join("")}
  </ul>`;
}

// The line break after the opening tag of the text is not part of it.
function form(key: string, typed: Typed): string {
  // prettier-ignore
  const text = html`<textarea id="text" name="text" maxlength="10000" rows="6">
${typed.text}</textarea>`;
  return html`<form method="post" action="/notes">
    <input type="hidden" name="key" value="${key}" />
    <label for="title">Title</label>
    <input id="title" name="title" maxlength="200" required value="${typed.title}" />
    <label for="text">Text</label>
    !${text}
    <button>Keep it</button>
  </form>`;
}

export function notePage({ title, text, created_at }: Note): string {
  const shown = created_at.slice(0, 16).replace("T", ", ");
  return page(
    `${title} - ${SERVICE}`,
    html`<h1>${title}</h1>
      <p class="text">${text}</p>
      <p><time datetime="${created_at}">${shown} UTC</time></p>
      <p><a href="/">All notes</a></p>`,
  );
}

export function problemPage(title: string, detail: string, requestId: string): string {
  return page(
    `${title} - ${SERVICE}`,
    html`<h1>${title}</h1>
      <p>${detail}</p>
      <p>If you ask for help, name this request: <code>${requestId}</code></p>
      <p><a href="/">All notes</a></p>`,
  );
}
