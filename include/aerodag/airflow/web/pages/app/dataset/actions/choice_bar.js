/** What was chosen for the next run, and the way to start it. */

import { html, useState } from "../../../vendor/preact-htm.js";
import { counted } from "../../amounts.js";
import { isUnderWay } from "../../elements/state.js";
import { Reprocess } from "./reprocess.js";

export function ChoiceBar({ item, choice, onChanged }) {
  const [asked, setAsked] = useState(false);
  const what = [
    choice.exclude.length && `${counted(choice.exclude.length, "image")} to leave out`,
    choice.include.length && `${counted(choice.include.length, "image")} to use after all`,
  ].filter(Boolean);
  return html`<div class="choicebar" role="status">
    ${
      what.length
        ? html`<span>${what.join(", ")}</span>
      ${
        item.waits_for_review
          ? html`<span class="muted">see the review above</span>`
          : html`<button type="button" class="small solid" disabled=${isUnderWay(item.state)}
            title=${isUnderWay(item.state) ? "A run is under way or waits." : undefined}
            onClick=${() => setAsked(true)}>Process again…</button>`
      }
      <button type="button" class="small ghost" onClick=${choice.clear}>Clear</button>`
        : html`<span class="muted">Tick images to leave them out of the next run, or to use them after all.</span>`
    }
    ${asked && html`<${Reprocess} item=${item} choice=${choice} onClose=${() => setAsked(false)}
      onChanged=${onChanged} />`}
  </div>`;
}
