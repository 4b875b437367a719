/** What is told of a dataset beside the map. */

import { get } from "../api.js";
import { area, counted, gsd } from "../amounts.js";
import { html, useEffect, useFocus } from "../elements/hooks.js";
import { Icon } from "../elements/icons.js";
import { ErrorNote, Outdated, Skeleton } from "../elements/notice.js";
import { Status } from "../elements/state.js";
import { Thumbnail } from "../list/row.js";
import { usePolling, useResource } from "../resource.js";
import { Ago } from "../time.js";

const POLL_SECONDS = 30;

export function Card({ id, onClose }) {
  const dataset = useResource((signal) => get(`datasets/${id}`, {}, signal), [id]);
  usePolling(dataset.reload, POLL_SECONDS, true);
  const card = useFocus();
  useEffect(() => {
    const close = (event) => event.key === "Escape" && onClose();
    addEventListener("keydown", close);
    return () => removeEventListener("keydown", close);
  }, []);
  const item = dataset.data;
  return html`<aside ref=${card} class="mapcard" aria-label="Dataset" tabindex="-1">
    <button type="button" class="ghost square" aria-label="Close" onClick=${onClose}><${Icon} name="close" /></button>
    ${
      dataset.error && !item
        ? html`<${ErrorNote} error=${dataset.error} onRetry=${dataset.reload} />`
        : !item
          ? html`<${Skeleton} lines=${4} />`
          : html`<${Thumbnail} item=${item} />
        <h3><a href=${`#/${id}`}>${item.name}</a></h3>
        <${Status} item=${item} />
        <p class="muted">${factsOf(item).join(" · ")}</p>
        <p class="muted">uploaded <${Ago} at=${item.created_at} /> by ${item.owner}</p>
        <${Outdated} resources=${[dataset]} />
        <a class="button small solid" href=${`#/${id}`}>Open</a>`
    }
  </aside>`;
}

function factsOf(item) {
  return [
    item.place,
    item.images > 0 && counted(item.images, "image"),
    item.area_m2 !== null && area(item.area_m2),
    item.gsd_cm !== null && gsd(item.gsd_cm),
  ].filter(Boolean);
}
