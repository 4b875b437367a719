/** Starts a run, with what the DAG lets one choose. */

import { html, useState } from "../../../vendor/preact-htm.js";
import { runParams, trigger } from "../../airflow.js";
import { announce } from "../../elements/announce.js";
import { Dialog } from "../../elements/dialog.js";
import { ErrorNote, Skeleton } from "../../elements/notice.js";
import { useResource } from "../../resource.js";
import { ParamField } from "./param_field.js";

// The others have their place elsewhere on the page, or mean nothing for a registered dataset.
const OFFERED = ["preset", "task_types", "exclude_images", "include_images", "review", "priority"];
const FOR_EXPERTS = ["engine", "gpu", "resume_from", "engine_options"];

/** What differs from the defaults. */
function changed(params, values) {
  const differs = ([name, value]) => JSON.stringify(value) !== JSON.stringify(params[name].value);
  return Object.fromEntries(
    Object.entries(values)
      .filter(([name]) => name in params)
      .filter(differs),
  );
}

/** What the newest run had, and the images that were chosen on the page. */
function startingValues(params, item, choice) {
  const last = item.runs[0];
  const values = Object.fromEntries(Object.entries(params).map(([name, { value }]) => [name, value]));
  if (last?.preset) values.preset = last.preset;
  if (last?.task_types?.length) values.task_types = last.task_types;
  for (const [name, paths] of Object.entries(imageLists(last, choice))) if (paths.length) values[name] = paths;
  return values;
}

/** The lists of the last run, changed by the ticks; a path in both would be left out, whatever was ticked. */
function imageLists(last, choice) {
  const merged = (before = [], ticked, against) => [
    ...new Set([...before.filter((path) => !against.includes(path)), ...ticked]),
  ];
  return {
    exclude_images: merged(last?.exclude_images, choice.exclude, choice.include),
    include_images: merged(last?.include_images, choice.include, choice.exclude),
  };
}

export function Reprocess({ item, choice, onClose, onChanged }) {
  const params = useResource(runParams, []);
  return html`<${Dialog} title=${item.runs.length ? "Process again" : "Process"} onClose=${onClose}>
    ${
      params.error
        ? html`<${ErrorNote} error=${params.error} onRetry=${params.reload} />`
        : !params.data
          ? html`<${Skeleton} lines=${6} />`
          : html`<${Form} item=${item} choice=${choice} params=${params.data} onClose=${onClose}
            onChanged=${onChanged} />`
    }
  <//>`;
}

function Form({ item, choice, params, onClose, onChanged }) {
  const [values, setValues] = useState(() => startingValues(params, item, choice));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const fields = (names) =>
    names
      .filter((name) => params[name])
      .map(
        (name) => html`<${ParamField} key=${name} name=${name} param=${params[name]} value=${values[name]}
    onChange=${(value) => setValues((old) => ({ ...old, [name]: value }))} />`,
      );
  const start = async (event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await trigger({ dataset_id: item.id, ...changed(params, values) });
      choice.clear();
      announce("A run was started.");
      onChanged();
      onClose();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return html`<form class="stack" onSubmit=${start}>
    <p class="muted">Nothing is uploaded again, and what is valid now stays so until the new run has finished.</p>
    ${fields(OFFERED)}
    <details class="experts"><summary>Engine</summary><div class="stack">${fields(FOR_EXPERTS)}</div></details>
    <${ErrorNote} error=${error} />
    <footer><button type="button" onClick=${onClose}>Leave it</button>
      <button type="submit" class="solid" disabled=${busy}>${busy ? "One moment…" : "Start"}</button></footer>
  </form>`;
}
