/** Name, state and the few facts that tell one survey from another. */

import { html } from "../../vendor/preact-htm.js";
import { area, count, gsd, share } from "../amounts.js";
import { Icon } from "../elements/icons.js";
import { Badge } from "../elements/state.js";
import { followOutside, runPath } from "../frame.js";
import { Ago } from "../time.js";
import { Actions } from "./actions/actions.js";
import { capturedDays } from "./captured.js";

function Fact({ title, children }) {
  return html`<div><dt>${title}</dt><dd>${children}</dd></div>`;
}

export function Header({ item, dagRunId, me, choice, images, onChanged }) {
  const used = item.images_used !== item.images;
  return html`<header class="about">
    <a class="button ghost square back" href="#/" aria-label="All datasets" title="All datasets"><${Icon} name="back" />
      </a>
    <div class="grow">
      <h2>${item.name} <${Badge} state=${item.state} review=${item.waits_for_review} /></h2>
      <dl class="facts">
        ${item.images > 0 && html`<${Fact} title="Images">
          ${used ? `${count(item.images_used)} of ${count(item.images)}` : count(item.images)}<//>`}
        ${item.area_m2 !== null && html`<${Fact} title="Area">${area(item.area_m2)}<//>`}
        ${item.gsd_cm !== null && html`<${Fact} title="GSD">${gsd(item.gsd_cm)}<//>`}
        ${item.rtk_fix_share !== null && html`<${Fact} title="RTK fix">${share(item.rtk_fix_share)}<//>`}
        ${item.place && html`<${Fact} title="Place">${item.place}<//>`}
        ${item.captured_from && html`<${Fact} title="Flown">${capturedDays(item)}<//>`}
        <${Fact} title="Uploaded"><${Ago} at=${item.created_at} /> by ${item.owner}<//>
      </dl>
    </div>
    <div class="actions">
      ${dagRunId && html`<a class="button" href=${runPath(dagRunId)} target="_top" onClick=${followOutside}>
        <${Icon} name="out" />Run in Airflow</a>`}
      ${me?.may_edit && html`<${Actions} item=${item} choice=${choice} images=${images} onChanged=${onChanged} />`}
    </div>
  </header>`;
}
