/** The files of each version: what they are, how big, how to get them. */

import { html, useState } from "../../vendor/preact-htm.js";
import { UNKNOWN, bytes, counted, gsd } from "../amounts.js";
import { Icon } from "../elements/icons.js";
import { Empty } from "../elements/notice.js";
import { Ago } from "../time.js";
import { productTitle } from "../words.js";

export function Products({ item }) {
  if (!item.versions.length)
    return html`<${Empty} title="Nothing was made yet.">Products are here when a run has finished.<//>`;
  return item.versions.map(
    (version) => html`<${Version} key=${version.run_id} version=${version} open=${version.current} />`,
  );
}

// What is wanted most often first; what is not named comes after.
const ORDER = ["cog", "orthophoto", "standardised", "dsm", "dtm", "indices", "point_cloud", "mesh", "stac", "metadata"];

function inOrder(products) {
  const rank = ({ kind }) => (ORDER.includes(kind) ? ORDER.indexOf(kind) : ORDER.length);
  return [...products].sort((one, other) => rank(one) - rank(other));
}

function Version({ version, open }) {
  const size = version.products.reduce((sum, product) => sum + product.bytes, 0);
  const facts = [version.preset, version.engine, counted(version.products.length, "file"), bytes(size)];
  return html`<details class="version" open=${open}>
    <summary><strong>Run ${version.run_id}</strong>
      ${version.current && html`<span class="badge" data-tone="succeeded">Valid now</span>`}
      <span class="muted">${facts.filter(Boolean).join(" · ")} · <${Ago} at=${version.finished_at} /></span>
    </summary>
    <ul class="products">${inOrder(version.products).map((product) => html`<${Product} key=${product.artifact_id}
      product=${product} />`)}</ul>
  </details>`;
}

function Product({ product }) {
  const facts = [
    product.gsd_cm && gsd(product.gsd_cm),
    product.crs && crsName(product.crs),
    product.height_datum && `heights above ${product.height_datum === "unknown" ? "an unknown datum" : product.height_datum}`,
  ].filter(Boolean);
  return html`<li>
    <span class="what"><strong>${productTitle(product)}</strong><span class="muted">${facts.join(" · ")}</span></span>
    <span class="size">${bytes(product.bytes)}</span>
    <${Checksum} value=${product.sha256} />
    ${
      product.download
        ? html`<a class="button small" href=${product.download} download><${Icon} name="download" />Download</a>`
        : html`<span class="muted locked" title="You may look at this, and not download it."><${Icon} name="lock" />
          </span>`
    }
  </li>`;
}

/** WKT is too long for a line; its name is its first quoted text. */
function crsName(crs) {
  return crs.length <= 40 ? crs : (crs.match(/"([^"]+)"/)?.[1] ?? `${crs.slice(0, 40)}…`);
}

function Checksum({ value }) {
  const [copied, setCopied] = useState(false);
  if (!value) return html`<code class="hash">${UNKNOWN}</code>`;
  const copy = async () => {
    await navigator.clipboard.writeText(value);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return html`<span class="checksum"><code class="hash" title=${`SHA-256 ${value}`}>${value.slice(0, 12)}…</code>
    ${navigator.clipboard && html`<button type="button" class="ghost square small" aria-label="Copy the SHA-256"
      onClick=${copy}><${Icon} name=${copied ? "check" : "copy"} /></button>`}
  </span>`;
}
