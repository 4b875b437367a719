/** All runs of the dataset. */

import { html } from "../../../vendor/preact-htm.js";
import { Icon } from "../../elements/icons.js";
import { Empty } from "../../elements/notice.js";
import { Badge } from "../../elements/state.js";
import { followOutside, runPath } from "../../frame.js";
import { hashOf } from "../../router.js";
import { Ago, duration } from "../../time.js";
import { ReportButton } from "./report.js";

export function Runs({ item, dagRunId }) {
  if (!item.runs.length) return html`<${Empty} title="There was no run yet." />`;
  return html`<ul class="runs">${item.runs.map(
    (run) => html`<li key=${run.run_id} class=${run.dag_run_id === dagRunId ? "marked" : ""}>
    <div class="line"><a href=${hashOf(`${item.id}/progress`, { run: run.dag_run_id })}><strong>Run ${run.run_id}
      </strong></a> <${Badge} state=${run.state} />
      <span class="muted"><${Ago} at=${run.started_at ?? run.finished_at} />
        ${run.duration_s !== null && ` · ${duration(run.duration_s)}`}</span></div>
    <p class="muted">${wordsOf(run).join(" · ")}</p>
    ${run.message && html`<p class="failure">${run.message} ${run.advice}</p>`}
    <div class="buttons">
      <a class="button small" href=${runPath(run.dag_run_id)} target="_top" onClick=${followOutside}>
        <${Icon} name="out" />Airflow</a>
      ${run.has_report && html`<${ReportButton} dagRunId=${run.dag_run_id} />`}
    </div>
  </li>`,
  )}</ul>`;
}

function wordsOf({ preset, engine, task_types: tasks, pipeline_version: version }) {
  return [preset, engine, tasks.join(", "), version && `version ${version}`].filter(Boolean);
}
