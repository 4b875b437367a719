/** One step of a run: a bar for each try, and on demand what is known of them. */

import { html, useState } from "../../../vendor/preact-htm.js";
import { bytes, count } from "../../amounts.js";
import { Icon } from "../../elements/icons.js";
import { useId } from "../../elements/hooks.js";
import { followOutside, taskPath } from "../../frame.js";
import { Moment, duration, exact, secondsBetween } from "../../time.js";
import { stepTitle } from "../../words.js";
import { Stages } from "./stages.js";

const TITLES = {
  running: "running",
  succeeded: "succeeded",
  failed: "failed",
  retrying: "failed, is tried again",
  skipped: "skipped",
};
const ICONS = { succeeded: "check", failed: "warning", retrying: "retry", skipped: "next" };

function Bar({ tried, span, now }) {
  if (!tried.started_at) return null;
  const from = (Date.parse(tried.started_at) - span.start) / span.length;
  const to = ((tried.finished_at ? Date.parse(tried.finished_at) : now) - span.start) / span.length;
  const title = `${TITLES[tried.state] ?? tried.state}, ${exact(tried.started_at)}`;
  return html`<i class="bar" data-tone=${tried.state} title=${title}
    style=${`left:${(from * 100).toFixed(2)}%;width:${((to - from) * 100).toFixed(2)}%`} />`;
}

export function Step({ step, span, now, stages, dagRunId, onRetry }) {
  const [open, setOpen] = useState(step.state === "failed");
  const id = useId("step");
  const tries = step.tries.length ? step.tries : [step];
  const took = step.state === "running" ? secondsBetween(step.started_at) : step.duration_s;
  const { state } = step;
  const skipped = state === "skipped";
  return html`<li class="step" data-state=${state}>
    <button type="button" class="plain line" aria-expanded=${open} aria-controls=${id}
      onClick=${() => setOpen(!open)}>
      <span class="mark" data-tone=${state}>
        ${ICONS[state] ? html`<${Icon} name=${ICONS[state]} />` : state === "running" && html`<i class="pulse" />`}
          </span>
      <span class="title">${stepTitle(step.name)}<span class="unseen">, ${TITLES[state] ?? state}</span></span>
      <span class="track">${!skipped && tries.map((tried) => html`<${Bar} key=${tried.try_number ?? 0} tried=${tried}
        span=${span} now=${now} />`)}</span>
      <span class="took">${skipped ? "" : duration(took)}</span>
    </button>
    ${stages.length > 0 && html`<${Stages} stages=${stages} step=${step} />`}
    <div id=${id} class="more" hidden=${!open}>
      ${
        open &&
        html`<${Tries} tries=${step.tries} /><${Metrics} metrics=${step.metrics} />
        <div class="buttons">
          <a class="button small" href=${taskPath(dagRunId, step.name)} target="_top" onClick=${followOutside}>
            <${Icon} name="out" />Log in Airflow</a>
          ${onRetry && html`<button type="button" class="small" onClick=${onRetry}>
            <${Icon} name="retry" />Retry from here</button>`}
        </div>`
      }
    </div>
  </li>`;
}

function tookOf(tried) {
  return duration(tried.duration_s ?? secondsBetween(tried.started_at, tried.finished_at));
}

function Tries({ tries }) {
  return html`<ol class="tries">${tries.map(
    (tried) => html`<li key=${tried.try_number}>
    <p class="line"><strong>Try ${tried.try_number}</strong><span>${TITLES[tried.state] ?? tried.state}</span>
      <span class="muted"><${Moment} at=${tried.started_at} /> · ${tookOf(tried)}${tried.host && ` · ${tried.host}`}</span></p>
    ${tried.message && html`<p class="failure">${tried.message} ${tried.advice}</p>`}
    ${tried.code && html`<code>${tried.code}</code>`}
  </li>`,
  )}</ol>`;
}

/** A figure by the unit in its name. */
function figure(name, value) {
  if (value === null || typeof value === "boolean") return value === null ? "unknown" : value ? "yes" : "no";
  if (typeof value === "number") {
    if (/(^|_)bytes$/.test(name)) return bytes(value);
    if (/(_s|seconds)$/.test(name)) return duration(value);
    return Number.isInteger(value) ? count(value) : String(Number(value.toPrecision(4)));
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}

function Metrics({ metrics }) {
  const entries = Object.entries(metrics ?? {});
  if (!entries.length) return null;
  return html`<dl class="metrics">
    ${entries.map(([name, value]) => html`<div key=${name}><dt>${name.replace(/_bytes$|_s$/, "").replaceAll("_", " ")}
      </dt><dd>${figure(name, value)}</dd></div>`)}</dl>`;
}
