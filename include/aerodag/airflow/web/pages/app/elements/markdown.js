/** The few forms of Markdown that the reviews are written in, without any HTML. */

import { html } from "../../vendor/preact-htm.js";

const INLINE = /\\([\\`*_[\]<>#|!~])|`([^`]+)`|\*\*((?:\\.|[^*\\])+)\*\*|\*((?:\\.|[^*\\])+)\*/g;

/** Bold, italics, code; a backslash takes a sign for itself. */
function inline(text) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(INLINE)) {
    if (found.index > end) parts.push(text.slice(end, found.index));
    const [whole, sign, code, bold, italic] = found;
    if (sign) parts.push(sign);
    else if (code) parts.push(html`<code>${code}</code>`);
    else if (bold) parts.push(html`<strong>${inline(bold)}</strong>`);
    else parts.push(html`<em>${inline(italic)}</em>`);
    end = found.index + whole.length;
  }
  parts.push(text.slice(end));
  return parts;
}

function cells(line) {
  return line
    .replace(/^\||\|$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}

function Table({ lines }) {
  const [head, , ...rows] = lines.map(cells);
  const titles = html`<thead><tr>${head.map((cell) => html`<th scope="col">${inline(cell)}</th>`)}</tr></thead>`;
  const cell = (text, at) => (at ? html`<td>${inline(text)}</td>` : html`<th scope="row">${inline(text)}</th>`);
  return html`<table>${head.some(Boolean) && titles}<tbody>${rows.map((row) => html`<tr>${row.map(cell)}</tr>`)}</tbody></table>`;
}

function Block({ text }) {
  const lines = text.split("\n");
  if (lines.every((line) => line.startsWith("- ")))
    return html`<ul>${lines.map((line) => html`<li>${inline(line.slice(2))}</li>`)}</ul>`;
  if (lines.length > 1 && lines.every((line) => line.startsWith("|"))) return html`<${Table} lines=${lines} />`;
  if (lines.every((line) => line.startsWith(">")))
    return html`<blockquote>${inline(lines.map((line) => line.replace(/^>\s?/, "")).join(" "))}</blockquote>`;
  return html`<p>${inline(lines.join(" "))}</p>`;
}

export function Markdown({ text }) {
  return html`<div class="prose">${text
    .split(/\n{2,}/)
    .filter((block) => block.trim())
    .map((block) => html`<${Block} text=${block.trim()} />`)}</div>`;
}
