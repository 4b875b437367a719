/** One file of the upload page: its progress, and what became of it. */

import { html } from "../../vendor/preact-htm.js";
import { get } from "../api.js";
import { bytes, share } from "../amounts.js";
import { Icon } from "../elements/icons.js";
import { ErrorNote, Outdated } from "../elements/notice.js";
import { Progress, Status, isUnderWay } from "../elements/state.js";
import { usePolling, useResource } from "../resource.js";
import { duration } from "../time.js";
import { remove, resume } from "./queue.js";

const POLL_SECONDS = 3;

const DOING = {
  ready: (transfer) => (transfer.upload ? `${share(transfer.sent / transfer.file.size)} is there already` : "ready"),
  starting: () => "starting",
  comparing: () => "is compared with what is there",
  sending,
  paused: (transfer) => `paused at ${share(transfer.sent / transfer.file.size)}`,
  checking: () => "is checked",
  registering: () => "is registered",
  done: () => "complete",
  failed: () => "stopped",
};

function sending(transfer) {
  const parts = [`${bytes(transfer.sent)} of ${bytes(transfer.file.size)}`];
  if (transfer.speed) parts.push(`${bytes(transfer.speed)}/s`, `${duration(transfer.remaining)} left`);
  return parts.join(" · ");
}

export function TransferRow({ transfer }) {
  const { file, state, datasetId, sentence } = transfer;
  const doing = transfer.queued ? "waits for the file before it" : DOING[state](transfer);
  const percent = state === "checking" || state === "registering" ? null : (100 * transfer.sent) / file.size;
  return html`<li class="transfer" data-state=${state}>
    <div class="what">
      <strong>${file.name}</strong><span class="muted" aria-live="off">
        ${state === "ready" ? `${bytes(file.size)} · ${doing}` : doing}</span>
      ${state !== "ready" && state !== "done" && html`<${Progress} percent=${percent}
        label=${`Upload of ${file.name}`} />`}
      ${sentence && html`<p class=${state === "failed" ? "failure" : "muted"}
        role=${state === "failed" ? "alert" : undefined}>${sentence}</p>`}
      ${datasetId !== null && html`<${Became} id=${datasetId} />`}
    </div>
    <div class="buttons">
      ${state === "sending" && html`<button type="button" class="small" onClick=${() => transfer.pause()}>
        <${Icon} name="pause" />Pause</button>`}
      ${(state === "paused" || state === "failed") && !transfer.queued && html`<button type="button" class="small"
        onClick=${() => resume(transfer)}><${Icon} name="play" />Go on</button>`}
      ${
        datasetId !== null
          ? html`<a class="button small" href=${`#/${datasetId}`}>Open</a>`
          : html`<button type="button" class="small ghost square" aria-label=${`Give up ${file.name}`} title="Give up"
            onClick=${() => remove(transfer)}><${Icon} name="close" /></button>`
      }
    </div>
  </li>`;
}

/** The dataset that the file became, while it is processed. */
function Became({ id }) {
  const dataset = useResource((signal) => get(`datasets/${id}`, {}, signal), [id]);
  const gone = dataset.error?.status === 404;
  usePolling(dataset.reload, POLL_SECONDS, !gone && (!dataset.data || isUnderWay(dataset.data.state)));
  if (dataset.error && !dataset.data) return html`<${ErrorNote} error=${dataset.error} onRetry=${dataset.reload} />`;
  return (
    dataset.data &&
    html`<div class="became"><a href=${`#/${id}`}>Dataset ${id}</a><${Status} item=${dataset.data} />
      <${Outdated} resources=${[dataset]} /></div>`
  );
}
