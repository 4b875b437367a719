/** What the colours of the exposures mean; each class can be hidden. */

import { html, useMemo, useState } from "../../../vendor/preact-htm.js";
import { count } from "../../amounts.js";
import { Icon } from "../../elements/icons.js";
import { COLOURINGS } from "./classes.js";

export function Legend({ images, view, onChange }) {
  const { classes, of, name } = COLOURINGS[view.colouring];
  const counts = useMemo(() => {
    const found = {};
    for (const image of images) found[of(image)] = (found[of(image)] ?? 0) + 1;
    return found;
  }, [images, of]);
  const [open, setOpen] = useState(() => matchMedia("(min-width: 760px)").matches);
  const toggle = (one) =>
    onChange({
      hidden: view.hidden.includes(one) ? view.hidden.filter((hidden) => hidden !== one) : [...view.hidden, one],
    });
  return html`<div class="legend">
    <div class="line"><label class="check">
      <input type="checkbox" checked=${view.exposures}
        onChange=${(event) => onChange({ exposures: event.target.checked })} />Exposures</label>
      <button type="button" class="ghost square small" aria-expanded=${open} aria-label="Legend"
        onClick=${() => setOpen(!open)}><${Icon} name=${open ? "fold" : "unfold"} /></button></div>
    ${
      view.exposures &&
      open &&
      html`<div class="segments" role="group" aria-label="Colour by">
      ${Object.entries(COLOURINGS).map(([key, { title }]) => html`<button key=${key} type="button"
        aria-pressed=${key === view.colouring} onClick=${() => onChange({ colouring: key, hidden: [] })}>${title}
        </button>`)}
    </div>
    <ul>${classes
      .filter((one) => counts[one])
      .map(
        (one) => html`<li key=${one}>
      <button type="button" class="plain" aria-pressed=${!view.hidden.includes(one)}
        title=${view.hidden.includes(one) ? "Show" : "Hide"} onClick=${() => toggle(one)}>
        <i class="dot" data-tone=${one} /><span>${name(one)}</span><b>${count(counts[one])}</b></button>
    </li>`,
      )}</ul>`
    }
  </div>`;
}
