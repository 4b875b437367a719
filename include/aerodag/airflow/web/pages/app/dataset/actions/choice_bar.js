/** What was chosen for the next run, and the way to start it. */

import { html, useState } from "../../../vendor/preact-htm.js";
import { counted } from "../../amounts.js";
import { isUnderWay } from "../../elements/state.js";
import { ONLY_OUT } from "../choice.js";
import { Reprocess } from "./reprocess.js";

const TICK = "Tick images to leave them out of the next run, or to use them after all.";

export function ChoiceBar({ item, choice, onChanged }) {
  const [asked, setAsked] = useState(false);
  const review = item.waits_for_review;
  const { exclude, include } = choice;
  const what = [
    exclude.length && `${counted(exclude.length, "image")} to leave out${review ? " by the review above" : ""}`,
    include.length && `${counted(include.length, "image")} to use ${review ? "in the next run" : "after all"}`,
  ].filter(Boolean);
  return html`<div class="choicebar" role="status">
    ${
      what.length
        ? html`<span>${what.join(", ")}</span>
      ${
        !review &&
        html`<button type="button" class="small solid" disabled=${isUnderWay(item.state)}
          title=${isUnderWay(item.state) ? "A run is under way or waits." : undefined}
          onClick=${() => setAsked(true)}>Process again…</button>`
      }
      <button type="button" class="small ghost" onClick=${choice.clear}>Clear</button>`
        : html`<span class="muted">${review ? `Tick images to leave them out. ${ONLY_OUT}` : TICK}</span>`
    }
    ${asked && html`<${Reprocess} item=${item} choice=${choice} onClose=${() => setAsked(false)}
      onChanged=${onChanged} />`}
  </div>`;
}
