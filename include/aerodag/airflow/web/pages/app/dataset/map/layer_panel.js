/** Chooses what the map shows: version, layer, opacity, and a version to compare with. */

import { html, useState } from "../../../vendor/preact-htm.js";
import { Icon } from "../../elements/icons.js";
import { useId } from "../../elements/hooks.js";
import { day } from "../../time.js";

function title(version) {
  return `Run ${version.run_id}${version.current ? ", valid now" : ""}: ${version.preset}, ${day(version.finished_at)}`;
}

function Choice({ label, value, onChange, children }) {
  const id = useId("choice");
  return html`<div class="field"><label for=${id}>${label}</label>
    <select id=${id} value=${value} onChange=${(event) => onChange(event.target.value)}>${children}</select></div>`;
}

export function LayerPanel({ versions, version, raster, view, onChange }) {
  const [open, setOpen] = useState(false);
  const opacity = useId("opacity");
  const choose = (id) => onChange({ version: id, compare: view.compare === id ? null : view.compare });
  const close = (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    setOpen(false);
  };
  return html`<div class="layerpanel" onKeyDown=${close}>
    <button type="button" aria-expanded=${open} onClick=${() => setOpen(!open)}><${Icon} name="layers" />${raster.title}
      </button>
    ${
      open &&
      html`<div class="sheet">
      <fieldset><legend>Layer</legend>
        ${version.rasters.map((one) => html`<label key=${one.key} class="radio">
          <input type="radio" name="layer" checked=${one.key === raster.key}
            onChange=${() => onChange({ layer: one.key })} />${one.title}</label>`)}
      </fieldset>
      <div class="field"><label for=${opacity}>Opacity <output>${Math.round(view.opacity * 100)} %</output></label>
        <input id=${opacity} type="range" min="0" max="100" value=${view.opacity * 100}
          onInput=${(event) => onChange({ opacity: Number(event.target.value) / 100 })} /></div>
      ${
        versions.length > 1 &&
        html`
        <${Choice} label="Version" value=${version.run_id} onChange=${(id) => choose(Number(id))}>
          ${versions.map((one) => html`<option key=${one.run_id} value=${one.run_id}>${title(one)}</option>`)}
        <//>
        <${Choice} label="Compare with" value=${view.compare ?? ""}
          onChange=${(id) => onChange({ compare: id ? Number(id) : null })}>
          <option value="">nothing</option>
          ${versions.filter((one) => one !== version).map((one) => html`<option key=${one.run_id} value=${one.run_id}>
            ${title(one)}</option>`)}
        <//>`
      }
    </div>`
    }
  </div>`;
}
