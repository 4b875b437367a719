/** The images as a list: what became of each, why, and which the next run shall take. */

import { html, useMemo, useState } from "../../vendor/preact-htm.js";
import { count, counted, metres } from "../amounts.js";
import { Empty, ErrorNote, Skeleton } from "../elements/notice.js";
import { baseName, reasonTitle, rtkTitle } from "../words.js";
import { ChoiceBar } from "./actions/choice_bar.js";
import { takenExactly } from "./captured.js";
import { ONLY_OUT, isUsed, mayToggle } from "./choice.js";
import { CLASSES, classOf, classTitle, isNowhere } from "./map/classes.js";

const PAGE = 200;
const MORE = 1000;

export function Images({ exposures, item, me, choice, selected, select, onChanged, images }) {
  const [text, setText] = useState("");
  const [only, setOnly] = useState("");
  const [limit, setLimit] = useState(PAGE);
  const counts = useMemo(() => countsOf(images), [images]);
  const nowhere = useMemo(() => images.filter(isNowhere).length, [images]);
  const shown = useMemo(() => {
    const wanted = text.trim().toLowerCase();
    return images.filter(
      (image) =>
        (!only || classOf(image) === only) && (!wanted || image.properties.name.toLowerCase().includes(wanted)),
    );
  }, [images, text, only]);
  if (exposures.error && !exposures.data)
    return html`<${ErrorNote} error=${exposures.error} onRetry=${exposures.reload} />`;
  if (!exposures.data) return html`<${Skeleton} lines=${8} />`;
  if (!images.length)
    return html`<${Empty} title="No images are on record.">
      ${item.upload_type === "geotiff" ? "The upload is a GeoTIFF." : "They are read when the run examines the upload."}
        <//>`;
  return html`<div class="imagefilter">
      <label class="unseen" for="image-search">Search images</label>
      <input id="image-search" type="search" placeholder="File name" value=${text}
        onInput=${(event) => setText(event.target.value)} />
      <label class="unseen" for="image-class">Which images</label>
      <select id="image-class" value=${only} onChange=${(event) => setOnly(event.target.value)}>
        <option value="">All ${count(images.length)}</option>
        ${CLASSES.filter((name) => counts[name]).map((name) => html`<option key=${name} value=${name}>
          ${classTitle(name)} ${count(counts[name])}</option>`)}
      </select>
    </div>
    ${me?.may_edit && html`<${ChoiceBar} item=${item} choice=${choice} onChanged=${onChanged} />`}
    <ul class="images">${shown.slice(0, limit).map(
      (image) => html`<${Line} key=${image.properties.id} item=${item} image=${image}
      marked=${selected === image.properties.id} onSelect=${() => select(image.properties.id)}
      choice=${me?.may_edit && choice} />`,
    )}</ul>
    ${!shown.length && html`<p class="muted">No image fits.</p>`}
    ${nowhere > 0 && html`<p class="muted">Not on the map for want of a position: ${counted(nowhere, "image")}; the
      findings tell why.</p>`}
    ${shown.length > limit && html`<div class="more"><button type="button" onClick=${() => setLimit(limit + MORE)}>
      Show ${count(Math.min(MORE, shown.length - limit))} more</button></div>`}`;
}

function countsOf(images) {
  const counts = {};
  for (const image of images) counts[classOf(image)] = (counts[classOf(image)] ?? 0) + 1;
  return counts;
}

function Line({ item, image, marked, onSelect, choice }) {
  const { name, reasons, rtk, altitude_m: altitude } = image.properties;
  const about = [
    reasons?.map(reasonTitle).join(", "),
    rtk && rtkTitle(rtk),
    altitude !== null && metres(altitude),
    isNowhere(image) && "no position",
  ].filter(Boolean);
  const locked = choice && !mayToggle(item, image, choice);
  return html`<li class=${marked ? "marked" : ""}>
    ${choice && html`<input type="checkbox" checked=${choice.has(name)} onChange=${() => choice.toggle(image)}
      disabled=${locked} title=${locked ? ONLY_OUT : undefined}
      aria-label=${`${isUsed(image) ? "Leave out" : "Use"} ${name} in the next run`} />`}
    <button type="button" class="plain" onClick=${onSelect} title=${takenExactly(image.properties)}>
      <i class="dot" data-tone=${classOf(image)} /><span class="name">${baseName(name)}</span>
      <span class="muted">${classTitle(classOf(image))}${about.length ? `: ${about.join(" · ")}` : ""}</span>
    </button>
  </li>`;
}
