/** One exposure: its photo, what became of it and why. */

import { html, useEffect, useFocus, useLayoutEffect, useState } from "../../elements/hooks.js";
import { metres } from "../../amounts.js";
import { Dialog } from "../../elements/dialog.js";
import { Icon } from "../../elements/icons.js";
import { baseName, reasonTitle, rtkTitle } from "../../words.js";
import { takenAt } from "../captured.js";
import { ONLY_OUT, isUsed, mayToggle } from "../choice.js";
import { classOf, classTitle, isNowhere } from "./classes.js";

/** The sentences of the checks on this image; a reason without one is told by its code. */
function reasonsOf(image, findings) {
  const { name, reasons } = image.properties;
  const told = findings.filter((finding) => finding.image === name);
  const codes = new Set(told.map((finding) => finding.code));
  return [
    ...told.map(({ message, advice }) => [message, advice].filter(Boolean).join(" ")),
    ...(reasons ?? []).filter((code) => !codes.has(code)).map(reasonTitle),
  ];
}

function Photo({ image, onOpen }) {
  const [missing, setMissing] = useState(false);
  const { photo, name } = image.properties;
  useEffect(() => setMissing(false), [photo]);
  if (!photo || missing) return html`<span class="photo none"><${Icon} name="photo" /><span>no preview</span></span>`;
  return html`<button type="button" class="photo" aria-label=${`Show ${baseName(name)} large`} onClick=${onOpen}>
    <img src=${photo} alt="" onError=${() => setMissing(true)} /></button>`;
}

export function PhotoCard({ item, image, images, findings, onSelect, choice }) {
  const [large, setLarge] = useState(false);
  const card = useFocus();
  const { name, altitude_m: altitude, rtk, photo } = image.properties;
  const place = images.indexOf(image);
  const step = (by) => images[place + by] && onSelect(images[place + by].properties.id);
  // At once with what is drawn, or the next key would step from the image before.
  useLayoutEffect(() => {
    const keys = (event) => {
      if (event.target.closest?.("input, select, textarea, [role=tablist], .map")) return;
      if (event.key === "Escape" && !large) onSelect(null);
      else if (event.key === "ArrowRight") step(1);
      else if (event.key === "ArrowLeft") step(-1);
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  });
  const reasons = reasonsOf(image, findings);
  const facts = [
    takenAt(image.properties),
    altitude !== null && `altitude ${metres(altitude)}`,
    rtk ? rtkTitle(rtk) : "RTK unknown",
    isNowhere(image) && "no position",
  ];
  return html`<aside ref=${card} class="photocard" aria-label="Image" tabindex="-1">
    <button type="button" class="ghost square close" aria-label="Close" onClick=${() => onSelect(null)}>
      <${Icon} name="close" /></button>
    <${Photo} image=${image} onOpen=${() => setLarge(true)} />
    <div class="told">
      <h3 title=${name}><span role="status">${baseName(name)}</span></h3>
      <p><i class="dot" data-tone=${classOf(image)} />${classTitle(classOf(image))}</p>
      ${reasons.map((reason) => html`<p key=${reason} class="reason">${reason}</p>`)}
      <p class="muted">${facts.filter(Boolean).join(" · ")}</p>
      <div class="buttons">
        <button type="button" class="square small" aria-label="Previous image" disabled=${place < 1}
          onClick=${() => step(-1)}><${Icon} name="back" /></button>
        <button type="button" class="square small" aria-label="Next image" disabled=${place >= images.length - 1}
          onClick=${() => step(1)}><${Icon} name="next" /></button>
        ${choice && html`<${Tick} item=${item} image=${image} choice=${choice} />`}
      </div>
    </div>
    ${large && html`<${Dialog} wide title=${baseName(name)} onClose=${() => setLarge(false)}>
      ${photo ? html`<${LargePhoto} key=${photo} photo=${photo} name=${name} />` : html`<p>There is no preview.</p>`}
    <//>`}
  </aside>`;
}

function Tick({ item, image, choice }) {
  const locked = !mayToggle(item, image, choice);
  const when = item.waits_for_review && isUsed(image) ? "" : " next time";
  return html`<button type="button" class="small" aria-pressed=${choice.has(image.properties.name)}
    disabled=${locked} title=${locked ? ONLY_OUT : undefined} onClick=${() => choice.toggle(image)}>
    ${isUsed(image) ? "Leave out" : "Use"}${when}</button>`;
}

/** The image as it was uploaded; its preview where that lies elsewhere or may not be taken. */
function LargePhoto({ photo, name }) {
  const [source, setSource] = useState(`${photo}/full`);
  const [loaded, setLoaded] = useState(false);
  return html`<div class="largephoto" aria-busy=${!loaded}>
    <img src=${source} alt=${name} onLoad=${() => setLoaded(true)} onError=${() => setSource(photo)} />
    ${loaded && source === photo && html`<p
      class="muted">This is a preview; the image itself cannot be shown here.</p>`}
  </div>`;
}
