/** How far the uploads are, told in the page's header on every view. */

import { html } from "../../vendor/preact-htm.js";
import { counted, share } from "../amounts.js";
import { useTransfers } from "./queue.js";

export function UploadsUnderWay() {
  const active = useTransfers().filter((transfer) => transfer.isActive || transfer.queued);
  if (!active.length) return null;
  const total = active.reduce((sum, { file }) => sum + file.size, 0);
  const sent = active.reduce((sum, transfer) => sum + transfer.sent, 0);
  return html`<a class="underway" href="#/upload" title="Show the uploads">
    <span>${counted(active.length, "upload")} · ${share(sent / total)}</span>
      <i style=${`width:${(100 * sent) / total}%`} />
  </a>`;
}
