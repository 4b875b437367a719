/** What stands where data would: skeletons, emptiness, errors with a way out. */

import { html } from "../../vendor/preact-htm.js";
import { loginUrl } from "../airflow.js";
import { followOutside } from "../frame.js";
import { Icon } from "./icons.js";

/** An error as a sentence; `onRetry` tries again. */
export function ErrorNote({ error, onRetry, title }) {
  if (!error) return null;
  return html`<div class="note" data-tone="failed" role="alert">
    <${Icon} name="warning" />
    <p>${title && html`<strong>${title} </strong>`}${error.message}</p>
    ${
      error.status === 401
        ? html`<a class="button small" href=${loginUrl()} target="_top" onClick=${followOutside}>Log in</a>`
        : onRetry && html`<button class="small" type="button" onClick=${onRetry}>Try again</button>`
    }
  </div>`;
}

/** @param {{tone?: string, icon?: string, children: any}} props */
export function Note({ tone = "info", icon = "info", children }) {
  return html`<div class="note" data-tone=${tone}><${Icon} name=${icon} /><div class="grow">${children}</div></div>`;
}

export function Empty({ title, children }) {
  return html`<div class="empty"><strong>${title}</strong>${children && html`<p>${children}</p>`}</div>`;
}

/** Grey lines in the shape of what comes. */
export function Skeleton({ lines = 3, label = "Loading" }) {
  return html`<div class="skeleton" role="status" aria-label=${label}>
    ${Array.from({ length: lines }, (_, line) => html`<i key=${line}
      style=${`width:${[92, 76, 84, 61][line % 4]}%`} />`)}
  </div>`;
}
