/** The states as chips with their counts; one can be chosen. */

import { html } from "../../vendor/preact-htm.js";
import { count } from "../amounts.js";
import { STATES } from "../elements/state.js";

function Chip({ state, title, number, pressed, onClick }) {
  return html`<button type="button" class="chip" data-tone=${state || "all"} aria-pressed=${pressed} onClick=${onClick}>
    ${title}${number !== undefined && html`<b>${count(number)}</b>`}
  </button>`;
}

/** States without any dataset are not offered, unless chosen. */
export function StateFilter({ counts, chosen, onChoose }) {
  const offered = Object.keys(STATES).filter((state) => counts?.[state] || state === chosen);
  const all = counts && Object.values(counts).reduce((sum, number) => sum + number, 0);
  return html`<div class="chips" role="group" aria-label="Filter by status">
    <${Chip} title="All" number=${all} pressed=${!chosen} onClick=${() => onChoose("")} />
    ${offered.map(
      (state) => html`<${Chip} key=${state} state=${state} title=${STATES[state]} number=${counts?.[state] ?? 0}
      pressed=${state === chosen} onClick=${() => onChoose(state === chosen ? "" : state)} />`,
    )}
  </div>`;
}
