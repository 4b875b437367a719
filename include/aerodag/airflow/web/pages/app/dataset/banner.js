/** What a person has to know first: a question that waits, a failure, a degraded result. */

import { html } from "../../vendor/preact-htm.js";
import { get } from "../api.js";
import { Note } from "../elements/notice.js";
import { usePolling, useResource } from "../resource.js";
import { minute, relative, useNow } from "../time.js";
import { Review } from "./actions/review.js";
import { orNone } from "./data.js";

const POLL_SECONDS = 10;

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
    return html`<${Waiting} item=${item} sentence="It waits for its turn." />`;
  }
  if (item.waits_for_engine) return html`<${Waiting} item=${item} sentence="It waits until the engine is free." />`;
  return null;
}

/** That it waits, and for how long as far as that can be told. */
function Waiting({ item, sentence }) {
  const run = useResource((signal) => orNone(get(`datasets/${item.id}/run`, {}, signal)), [item.id, item.dag_run_id]);
  usePolling(run.reload, POLL_SECONDS, true);
  const now = useNow();
  return html`<${Note} tone="queued" icon="clock"><p>${[sentence, ...expectations(run.data, now)].join(" ")}</p><//>`;
}

/** An estimate that has passed is none any more. */
function expectations(run, now) {
  const { position, expected_start: start, expected_end: end } = run ?? {};
  const comes = (moment) => moment && Date.parse(moment) > now;
  const expected = [
    comes(start) && `to start ${minute(start)} (${relative(start, now)})`,
    comes(end) && `to end ${minute(end)} (${relative(end, now)})`,
  ].filter(Boolean);
  return [position && `Place ${position} in the queue.`, expected.length && `Expected ${expected.join(", ")}.`].filter(
    Boolean,
  );
}
