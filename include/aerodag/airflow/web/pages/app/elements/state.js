/** How a dataset or a step is, as a badge and as a line. */

import { html } from "../../vendor/preact-htm.js";
import { percent as percentText, stepTitle } from "../words.js";
import { relative, useNow } from "../time.js";

/** States of a dataset's newest run, in the order of the filter. */
export const STATES = {
  waiting: "Waiting",
  queued: "Queued",
  running: "Running",
  succeeded: "Succeeded",
  degraded: "Degraded",
  failed: "Failed",
  cancelled: "Cancelled",
  quarantined: "Quarantined",
};

const UNDER_WAY = new Set(["waiting", "queued", "running"]);

/** Whether something still happens by itself. */
export function isUnderWay(state) {
  return UNDER_WAY.has(state);
}

/** What a state is called; a run that waits for a person is told so. */
export function stateTitle(state, waitsForReview = false) {
  return waitsForReview ? "Needs review" : (STATES[state] ?? state);
}

export function Badge({ state, review = false }) {
  const tone = review ? "review" : state;
  return html`<span class="badge" data-tone=${tone}>
    ${tone === "running" && html`<i class="pulse" aria-hidden="true" />`}${stateTitle(state, review)}</span>`;
}

/** `percent` of 100; null is a bar that only says that something happens. */
export function Progress({ percent, label }) {
  const known = percent !== null && percent !== undefined;
  return html`<div class=${`progress ${known ? "" : "unknown"}`} role="progressbar" aria-label=${label}
      aria-valuemin="0" aria-valuemax="100" aria-valuenow=${known ? Math.round(percent) : undefined}>
    <i style=${known ? `width:${Math.max(0, Math.min(100, percent))}%` : ""} />
  </div>`;
}

/** Badge, and what is under way: step, percent and expected end. */
export function Status({ item }) {
  const now = useNow();
  const running = item.state === "running" && !item.waits_for_review;
  const engine = running && item.step === "odm" && !item.waits_for_engine;
  return html`<div class="status">
    <${Badge} state=${item.state} review=${item.waits_for_review} />
    ${
      running &&
      html`<span class="doing">${[
        item.waits_for_engine ? "waits for the engine" : item.step && stepTitle(item.step),
        item.percent !== null && engine && percentText(item.percent),
        item.expected_end && Date.parse(item.expected_end) > now && `ends ${relative(item.expected_end, now)}`,
      ]
        .filter(Boolean)
        .join(" · ")}</span>`
    }
    ${engine && html`<${Progress} percent=${item.percent} label="Engine" />`}
    ${!running && item.code && !isUnderWay(item.state) && html`<span class="doing" title=${item.message}>
      ${item.message ?? item.code}</span>`}
  </div>`;
}
