/** The question that a run waits with, and the answer to it. */

import { html, useState } from "../../../vendor/preact-htm.js";
import { answerQuestion, openQuestion } from "../../airflow.js";
import { get } from "../../api.js";
import { counted } from "../../amounts.js";
import { announce } from "../../elements/announce.js";
import { Icon } from "../../elements/icons.js";
import { Markdown } from "../../elements/markdown.js";
import { ErrorNote, Skeleton } from "../../elements/notice.js";
import { useResource } from "../../resource.js";
import { Moment, relative, useNow } from "../../time.js";
import { ReportButton } from "../run/report.js";
import { ParamField } from "./param_field.js";

// An answer within seconds of the question is lost: the scheduler does not know yet that the task waits, takes its
// process for a broken one, and asks again.
const SETTLED_MS = 10_000;

/** Airflow offers the answers; the ledger knows the question as it is now. */
async function loadQuestion(dagRunId, mayAnswer, signal) {
  const [asked, open] = await Promise.all([
    get(`runs/${encodeURIComponent(dagRunId)}/review`, {}, signal).catch(() => null),
    mayAnswer ? openQuestion(dagRunId) : null,
  ]);
  return { asked, open };
}

export function Review({ item, run, me, choice, onChanged }) {
  const dagRunId = item.dag_run_id;
  const question = useResource((signal) => loadQuestion(dagRunId, me?.may_edit, signal), [dagRunId, me?.may_edit]);
  const now = useNow();
  const { asked, open } = question.data ?? {};
  const due = asked?.expires_at;
  return html`<section class="review" aria-label="Review">
    <header><${Icon} name="person" /><h3>${open?.subject ?? "Somebody has to look at this before the engine starts"}
      </h3></header>
    <${ErrorNote} error=${question.error} onRetry=${question.reload} />
    ${!question.data && !question.error && html`<${Skeleton} lines=${3} />`}
    ${question.data && html`<div class="question"><${Markdown} text=${asked?.question ?? open?.body ?? ""} /></div>`}
    ${due && html`<p class="muted">Open until <${Moment} at=${due} />, ${relative(due, now)}.</p>`}
    <div class="buttons">${run?.has_report && html`<${ReportButton} dagRunId=${dagRunId} />`}</div>
    ${
      open &&
      html`<${Answer} key=${asked?.asked_at} open=${open} askedAt=${asked?.asked_at} dagRunId=${dagRunId}
        choice=${choice} onAnswered=${() => {
        question.reload();
        onChanged();
      }} />`
    }
    ${question.data && me?.may_edit && !open && html`<p
      class="muted">The answer was given; the run goes on in a moment.</p>`}
  </section>`;
}

/** Options in the order of Airflow; the last one ends the run and is asked about twice. */
function Answer({ open, askedAt, dagRunId, choice, onAnswered }) {
  const [values, setValues] = useState({});
  const [armed, setArmed] = useState(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const [shown] = useState(Date.now);
  // Whichever is earlier: the clocks of the browser and the server may differ.
  const settled = useNow(2000) - Math.min(shown, askedAt ? Date.parse(askedAt) : shown) > SETTLED_MS;
  const rejects = (option) => /reject/i.test(option);
  const ends = (option) => /abort/i.test(option);
  const images = [...new Set([...(values.images ?? []), ...choice.exclude])];
  const answer = async (option) => {
    setArmed(null);
    setBusy(true);
    setError(null);
    try {
      await answerQuestion(dagRunId, option, { ...values, images: rejects(option) ? images : null });
      if (rejects(option)) choice.clearExcluded();
      announce(`Answered: ${option}.`);
      onAnswered();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  const fields = Object.entries(open.params ?? {}).filter(([, param]) => param.schema);
  return html`<form class="answer" onSubmit=${(event) => event.preventDefault()}>
    ${fields.map(([name, param]) => html`<${ParamField} key=${name} name=${name} param=${param}
      value=${values[name] ?? null} onChange=${(value) => setValues((old) => ({ ...old, [name]: value }))} />`)}
    ${choice.exclude.length > 0 && html`<p
      class="muted">With ${counted(choice.exclude.length, "image")} that you ticked.</p>`}
    <${ErrorNote} error=${error} />
    ${!settled && html`<p class="muted">The question was asked just now; it can be answered in a moment.</p>`}
    <div class="buttons">${open.options.map(
      (option) => html`<button key=${option} type="button"
        disabled=${busy || !settled || (rejects(option) && !images.length)}
        class=${ends(option) ? "danger" : rejects(option) ? "" : "solid"}
        onClick=${() => (ends(option) ? setArmed(option) : answer(option))}>
        ${option}${rejects(option) && images.length ? ` (${images.length})` : ""}</button>`,
    )}
      ${armed && html`<span class="armed" role="alert">This ends the run. <button type="button" class="danger solid"
        onClick=${() => answer(armed)}>Yes, ${armed.toLowerCase()}</button>
        <button type="button" onClick=${() => setArmed(null)}>No</button></span>`}
    </div>
  </form>`;
}
