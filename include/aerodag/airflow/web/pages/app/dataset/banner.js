/** What a person has to know first: a question that waits, a failure, a degraded result. */

import { html } from "../../vendor/preact-htm.js";
import { Note } from "../elements/notice.js";
import { minute } from "../time.js";
import { Review } from "./actions/review.js";

const TONES = { failed: "failed", quarantined: "failed", degraded: "degraded", cancelled: "cancelled" };

export function Banner(page) {
  const { item } = page;
  if (item.waits_for_review && item.dag_run_id) return html`<${Review} ...${page} />`;
  if (item.message && TONES[item.state]) {
    return html`<${Note} tone=${TONES[item.state]} icon=${item.state === "cancelled" ? "stop" : "warning"}>
      <p><strong>${item.message}</strong> ${item.advice}</p>${item.code && html`<code>${item.code}</code>`}
    <//>`;
  }
  if (item.state === "degraded") {
    return html`<${Note} tone="degraded" icon="warning">
      <p>The result is usable, with reservations: see <a href=${`#/${item.id}/findings`}>findings</a>.</p><//>`;
  }
  if (item.state === "waiting" || item.state === "queued") {
    return html`<${Note} tone="queued" icon="clock">
      <p>It waits for its turn.${item.expected_end && ` Expected to end ${minute(item.expected_end)}.`}</p><//>`;
  }
  if (item.waits_for_engine) {
    return html`<${Note} tone="queued" icon="clock"><p>It waits until the engine is free.</p><//>`;
  }
  return null;
}
