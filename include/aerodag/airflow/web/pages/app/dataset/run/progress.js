/** What a run does and did, in time. */

import { html, useState } from "../../../vendor/preact-htm.js";
import { Confirm } from "../../elements/dialog.js";
import { announce } from "../../elements/announce.js";
import { Empty, ErrorNote, Skeleton } from "../../elements/notice.js";
import { isUnderWay } from "../../elements/state.js";
import { retryFrom } from "../../airflow.js";
import { duration, minute, secondsBetween, useNow } from "../../time.js";
import { stepTitle } from "../../words.js";
import { Step } from "./step.js";

/** The span of all tries, in milliseconds. */
function spanOf(steps, now) {
  const tries = steps.flatMap((step) => (step.tries.length ? step.tries : [step])).filter((one) => one.started_at);
  const start = Math.min(...tries.map((one) => Date.parse(one.started_at)));
  const end = Math.max(...tries.map((one) => (one.finished_at ? Date.parse(one.finished_at) : now)));
  return { start, length: Math.max(end - start, 1) };
}

export function Progress({ run, item, dagRunId, me, timeline, onChanged }) {
  const runs = run ? isUnderWay(run.state) : isUnderWay(item.state);
  const now = useNow(runs ? 1000 : 60_000);
  const [retried, setRetried] = useState(null);
  if (!dagRunId) return html`<${Empty} title="No run has been started yet.">The dataset waits for its first one.<//>`;
  if (timeline.error && !timeline.data)
    return html`<${ErrorNote} error=${timeline.error} onRetry=${timeline.reload} />`;
  if (timeline.loading && !timeline.data) return html`<${Skeleton} lines=${10} />`;
  const { steps = [], stages = [] } = timeline.data ?? {};
  const begun = steps.filter((step) => step.started_at || step.tries.length);
  if (!begun.length) return html`<${Empty} title="Nothing has run yet.">The steps appear here as they start.<//>`;
  const span = spanOf(begun, now);
  const mayRetry = me?.may_edit && !runs;
  return html`${run && html`<${Summary} run=${run} />`}
    <ol class="timeline">${steps.map(
      (step) => html`<${Step} key=${step.name} step=${step} span=${span} now=${now} dagRunId=${dagRunId}
      stages=${step.name === "odm" ? stages : []}
        onRetry=${mayRetry && (step.started_at || step.tries.length) ? () => setRetried(step.name) : null} />`,
    )}</ol>
    ${
      retried &&
      html`<${Confirm} title=${`Retry from “${stepTitle(retried)}”?`} verb="Retry from here"
        onClose=${() => setRetried(null)} onConfirm=${async () => {
        await retryFrom(dagRunId, retried);
        announce(`The run goes on from “${stepTitle(retried)}”.`);
        onChanged();
      }}>
      <p>This step and all after it run again. What is already there for the same inputs is not made twice; products
      that are valid now stay so until the run has finished.</p>
    <//>`
    }`;
}

function Summary({ run }) {
  const took = run.duration_s ?? secondsBetween(run.started_at, run.finished_at);
  const facts = [
    run.started_at && `started ${minute(run.started_at)}`,
    took !== null && `${run.finished_at ? "took" : "for"} ${duration(took)}`,
    run.preset && `preset ${run.preset}`,
    run.engine && `engine ${run.engine}`,
  ];
  return html`<p class="muted">Run ${run.run_id}: ${facts.filter(Boolean).join(", ")}</p>`;
}
