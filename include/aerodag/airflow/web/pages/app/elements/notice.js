/** What stands where data would: skeletons, emptiness, errors with a way out. */

import { html } from "../../vendor/preact-htm.js";
import { loginUrl } from "../airflow.js";
import { followOutside } from "../frame.js";
import { clock } from "../time.js";
import { Icon } from "./icons.js";

function LogIn({ words }) {
  return html`<a class="button small" href=${loginUrl()} target="_top" onClick=${followOutside}>${words}</a>`;
}

/** An error as a sentence; `onRetry` tries again. */
export function ErrorNote({ error, onRetry, title }) {
  if (!error) return null;
  return html`<div class="note" data-tone="failed" role="alert">
    <${Icon} name="warning" />
    <p>${title && html`<strong>${title} </strong>`}${error.message}</p>
    ${
      error.status === 401
        ? html`<${LogIn} words="Log in" />`
        : onRetry && html`<button class="small" type="button" onClick=${onRetry}>Try again</button>`
    }
  </div>`;
}

/**
 * Says so where what is shown could not be brought up to date.
 * @param {{resources: {data: any, at: number | null, error: Error | null, reload: () => void}[]}} props
 */
export function Outdated({ resources }) {
  const failed = resources.filter(({ data, error }) => error && data !== undefined);
  if (!failed.length) return null;
  const since = clock(Math.min(...failed.map(({ at }) => at)));
  const error = failed.find((one) => one.error.status === 401)?.error ?? failed[0].error;
  return html`<div class="note" data-tone="degraded" role="status">
    <${Icon} name="warning" />
    <p><strong>Not up to date since ${since}.</strong> ${error.message}</p>
    ${
      error.status === 401
        ? html`<${LogIn} words="Log in again" />`
        : html`<button class="small" type="button" onClick=${() => failed.forEach(({ reload }) => reload())}>
          Try again</button>`
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
