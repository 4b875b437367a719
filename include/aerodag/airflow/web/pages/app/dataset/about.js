/** What the uploader said of the dataset, and what is on record. */

import { html } from "../../vendor/preact-htm.js";
import { bytes } from "../amounts.js";
import { followOutside } from "../frame.js";
import { Moment } from "../time.js";
import { capturedMinutes } from "./captured.js";

const PRIORITIES = { 1: "background", 2: "batch", 3: "normal", 4: "high", 5: "urgent" };
const TYPES = { raw_images_zip: "ZIP of images", geotiff: "GeoTIFF", video: "video" };
const ACCESS = { public: "public", private: "private", viewonly: "view only" };

export function About({ item }) {
  const doi = item.citation_doi;
  const rows = [
    ["Id", item.id],
    ["Owner", item.owner],
    ["Authors", item.authors?.join(", ")],
    ["Project", item.project],
    ["Place", item.place],
    ["Platform", item.platform],
    ["Licence", item.licence],
    ["Access", ACCESS[item.access] ?? item.access],
    [
      "DOI",
      doi &&
        html`<a href=${`https://doi.org/${doi}`} target="_blank" rel="noreferrer" onClick=${followOutside}>${doi}</a>`,
    ],
    ["Flown", capturedMinutes(item)],
    ["Uploaded", html`<${Moment} at=${item.created_at} />`],
    ["Upload", `${TYPES[item.upload_type] ?? item.upload_type}, ${bytes(item.size_bytes)}`],
    ["SHA-256", html`<code class="hash">${item.content_sha256}</code>`],
    ["Priority", `${item.priority}: ${PRIORITIES[item.priority] ?? ""}`],
    ["Notes", item.notes && html`<span class="prose">${item.notes}</span>`],
  ];
  return html`<dl class="record">${rows
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([title, value]) => html`<div key=${title}><dt>${title}</dt><dd>${value}</dd></div>`)}</dl>`;
}
