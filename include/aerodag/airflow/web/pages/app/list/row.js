/** One dataset of the list. */

import { html } from "../../vendor/preact-htm.js";
import { UNKNOWN, area, count, gsd, share } from "../amounts.js";
import { Icon } from "../elements/icons.js";
import { Status } from "../elements/state.js";
import { Ago } from "../time.js";

const ACCESS = { private: "private", viewonly: "view only" };

/** A preview, or the pictogram of what was uploaded while there is none. */
export function Thumbnail({ item }) {
  return html`<span class="thumbnail">
    ${
      item.thumbnail
        ? html`<img src=${item.thumbnail} alt="" loading="lazy" decoding="async" />`
        : html`<${Icon} name=${item.upload_type === "geotiff" ? "layers" : "photo"} />`
    }
  </span>`;
}

function Cell({ label, unknown = false, children }) {
  return html`<span class=${`cell ${unknown ? "unknown" : ""}`}><span class="label">${label} </span>${children}</span>`;
}

export function Row({ item, seen }) {
  const about = [item.owner, item.project, ACCESS[item.access], `#${item.id}`].filter(Boolean);
  return html`<li ref=${seen} data-id=${item.id}>
    <a class="row" href=${`#/${item.id}`}>
      <${Thumbnail} item=${item} />
      <span class="name"><strong>${item.name}</strong><span class="about">${about.join(" · ")}</span></span>
      <${Status} item=${item} />
      <span class="cells">
        <${Cell} label="Images" unknown=${!item.images}><${Images} item=${item} /><//>
        <${Cell} label="Area" unknown=${item.area_m2 === null}>${area(item.area_m2)}<//>
        <${Cell} label="GSD" unknown=${item.gsd_cm === null}>${gsd(item.gsd_cm)}<//>
        <${Cell} label="RTK" unknown=${item.rtk_fix_share === null}>${share(item.rtk_fix_share)}<//>
        <${Cell} label="Uploaded"><${Ago} at=${item.created_at} /><//>
      </span>
    </a>
  </li>`;
}

function Images({ item }) {
  if (!item.images) return UNKNOWN;
  if (item.images === item.images_used) return count(item.images);
  return html`${count(item.images_used)}<span class="of"> of ${count(item.images)}</span>`;
}

export function RowSkeletons({ count: rows }) {
  return Array.from(
    { length: rows },
    (_, row) => html`<li key=${`skeleton-${row}`} class="row ghostly" aria-hidden="true">
    <span class="thumbnail" /><span class="name"><i style="width:60%" /><i style="width:40%" /></span>
      <span class="status"><i style="width:5rem" /></span>
    <span class="cells">${[0, 1, 2, 3, 4].map((cell) => html`<span key=${cell} class="cell"><i style="width:3rem" />
      </span>`)}</span>
  </li>`,
  );
}
