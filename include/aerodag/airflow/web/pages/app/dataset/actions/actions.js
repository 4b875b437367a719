/** What may be done to a dataset's runs. */

import { html, useState } from "../../../vendor/preact-htm.js";
import { cancel } from "../../airflow.js";
import { announce } from "../../elements/announce.js";
import { Confirm } from "../../elements/dialog.js";
import { Icon } from "../../elements/icons.js";
import { isUnderWay } from "../../elements/state.js";
import { Reprocess } from "./reprocess.js";

export function Actions({ item, choice, onChanged }) {
  const [asked, setAsked] = useState(null);
  const close = () => setAsked(null);
  const active = item.dag_run_id && isUnderWay(item.state) && item.runs.some((run) => isUnderWay(run.state));
  const first = !item.runs.length;
  return html`${
    active
      ? html`<button type="button" onClick=${() => setAsked("cancel")}><${Icon} name="stop" />Cancel</button>`
      : html`<button type="button" class="solid" onClick=${() => setAsked("process")}><${Icon} name="play" />
        ${first ? "Process" : "Process again"}</button>`
  }
    ${asked === "process" && html`<${Reprocess} item=${item} choice=${choice} onClose=${close}
      onChanged=${onChanged} />`}
    ${
      asked === "cancel" &&
      html`<${Confirm} title="Cancel the run?" verb="Cancel the run" tone="danger" onClose=${close}
        onConfirm=${async () => {
        await cancel(item.dag_run_id);
        announce("The run is stopped.");
        onChanged();
      }}>
      <p>What runs now is stopped, the engine's container too. Finished steps stay; the run can be gone on with by
      “Retry from here”. The products that are valid now are not touched.</p>
    <//>`
    }`;
}
