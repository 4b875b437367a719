/** Brings files in: choose, describe, send, and follow what becomes of them. */

import { html, useRef, useState } from "../../vendor/preact-htm.js";
import { get, send } from "../api.js";
import { bytes, counted, share } from "../amounts.js";
import { Icon } from "../elements/icons.js";
import { ErrorNote, Note } from "../elements/notice.js";
import { useResource } from "../resource.js";
import { Ago } from "../time.js";
import { canDigest } from "./chunks.js";
import { Description, useDescription } from "./description.js";
import { add, clear, startAll, useTransfers } from "./queue.js";
import { TransferRow } from "./transfer_row.js";

export function UploadPage({ me }) {
  const transfers = useTransfers();
  const [refused, setRefused] = useState([]);
  const words = useDescription();
  if (me && !me.may_upload)
    return html`<${Note} tone="failed" icon="lock">
      <p>You may not upload. Ask somebody who administers this Airflow for the right to start runs.</p><//>`;
  const take = (files) => setRefused(add(files));
  const ready = transfers.filter(({ state, queued }) => state === "ready" && !queued);
  const fresh = ready.filter(({ upload }) => !upload);
  const size = ready.reduce((sum, { file }) => sum + file.size, 0);
  const start = (event) => {
    event.preventDefault();
    startAll(words.values());
  };
  return html`<div class="uploadpage">
    ${!canDigest() && html`<${Note} tone="failed" icon="lock">
      <p>This page was not loaded by HTTPS, so the browser cannot compute the checksums of an upload. Open it by HTTPS
      or on localhost, or bring the file in by the incoming folder, SFTP or S3.</p><//>`}
    <${DropZone} onFiles=${take} />
    ${refused.map((sentence) => html`<${Note} key=${sentence} tone="failed" icon="warning"><p>${sentence}</p><//>`)}
    ${
      transfers.length > 0 &&
      html`<section aria-label="Files"><header class="line"><h2>${counted(transfers.length, "file")}</h2>
        <span class="grow" />
        ${transfers.some(({ state }) => state === "done") && html`<button type="button" class="small ghost"
          onClick=${clear}>Clear what is done</button>`}</header>
      <ul class="transfers">${transfers.map((transfer) => html`<${TransferRow}
        key=${transfer.file.name + transfer.file.lastModified} transfer=${transfer} />`)}</ul></section>`
    }
    ${
      ready.length > 0 &&
      html`<form class="stack" onSubmit=${start}>
      ${fresh.length > 0 && html`<${Description} words=${words} files=${fresh.length} />`}
      <footer><button type="submit" class="solid" disabled=${!canDigest()}><${Icon} name="upload" />
        ${fresh.length ? "Upload" : "Go on with"} ${counted(ready.length, "file")}, ${bytes(size)}</button></footer>
    </form>`
    }
    <${Unfinished} transfers=${transfers} />
  </div>`;
}

function DropZone({ onFiles }) {
  const input = useRef(null);
  const [over, setOver] = useState(false);
  const drag = (inside) => (event) => {
    event.preventDefault();
    setOver(inside);
  };
  const drop = (event) => {
    drag(false)(event);
    onFiles(event.dataTransfer.files);
  };
  const choose = (event) => {
    onFiles([...event.target.files]);
    event.target.value = "";
  };
  return html`<div class=${`dropzone ${over ? "over" : ""}`} onDragOver=${drag(true)} onDragEnter=${drag(true)}
    onDragLeave=${drag(false)} onDrop=${drop}>
    <${Icon} name="upload" />
    <p><strong>Drop ZIPs of drone images or GeoTIFFs here</strong></p>
    <p class="muted">One ZIP is one survey; RTK files, <code>gcp_list.txt</code> and <code>geo.txt</code> belong into it.</p>
    <input ref=${input} id="files" class="unseen" type="file" multiple accept=".zip,.tif,.tiff" onChange=${choose} />
    <label class="button" for="files">Choose files</label>
  </div>`;
}

/** Uploads that were begun and whose file is not chosen on this page. */
function Unfinished({ transfers }) {
  const open = useResource((signal) => get("uploads", {}, signal), [transfers.filter(({ upload }) => upload).length]);
  const here = new Set(transfers.map(({ upload }) => upload?.id));
  const others = (open.data ?? []).filter(({ id }) => !here.has(id));
  const discard = async (id) => {
    await send("DELETE", `uploads/${id}`);
    open.reload();
  };
  if (open.error) return html`<${ErrorNote} error=${open.error} onRetry=${open.reload} />`;
  if (!others.length) return null;
  return html`<section aria-label="Unfinished uploads"><h2>Unfinished</h2>
    <p class="muted">Choose the same file again to go on where it stopped.</p>
    <ul class="transfers">${others.map(
      (upload) => html`<${Left} key=${upload.id} upload=${upload} onDiscard=${() => discard(upload.id)} />`,
    )}</ul></section>`;
}

function Left({ upload, onDiscard }) {
  const there = share(upload.chunks_received.length / upload.chunks_total);
  return html`<li class="transfer">
    <div class="what">
      <strong>${upload.name}</strong>
      <span class="muted">${there} of ${bytes(upload.size_bytes)} · begun <${Ago} at=${upload.created_at} />,
        removed <${Ago} at=${upload.expires_at} /></span>
    </div>
    <button type="button" class="small" onClick=${onDiscard}>Discard</button>
  </li>`;
}
