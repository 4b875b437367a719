/** The stages of the photogrammetry engine, as they come. */

import { html } from "../../../vendor/preact-htm.js";
import { Progress } from "../../elements/state.js";
import { duration, secondsBetween } from "../../time.js";
import { percent } from "../../words.js";

/**
 * `percent` of a stage is the engine's whole progress, 0 to 100, at its end or now.
 * @param {{stages: object[], step: object}} props the step is the engine's
 */
export function Stages({ stages, step }) {
  const newest = stages[stages.length - 1];
  const runs = step.state === "running";
  return html`<div class="stages">
    ${runs && html`<div class="engine"><${Progress} percent=${newest.percent} label="Engine" />
      <b>${newest.percent === null ? "" : percent(newest.percent)}</b></div>`}
    <ol>${stages.map((stage, at) => html`<${Stage} key=${stage.name} stage=${stage} next=${stages[at + 1]} step=${step} />`)}</ol>
  </div>`;
}

/** A stage ends with the next one, the last one with the step; the engine does not always say so. */
function Stage({ stage, next, step }) {
  const end = stage.finished_at ?? next?.started_at ?? step.finished_at;
  const state = stage.finished_at || next ? "succeeded" : step.state;
  return html`<li data-state=${state}>
    <span>${stage.name.replace(/^odm_/, "").replaceAll("_", " ")}</span>
    <span class="took">${duration(secondsBetween(stage.started_at, end))}</span>
  </li>`;
}
