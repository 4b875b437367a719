/** Short news at the edge of the page, also read out: what an action led to. */

import { html, useEffect, useState } from "../../vendor/preact-htm.js";
import { Icon } from "./icons.js";

const SECONDS = 7;
let listener = () => {};
let number = 0;

/** @param {string} text a sentence @param {"succeeded" | "failed" | "info"} tone */
export function announce(text, tone = "succeeded") {
  number += 1;
  listener({ text, tone, number });
}

export function Announcements() {
  const [news, setNews] = useState([]);
  useEffect(() => {
    listener = (entry) => {
      setNews((old) => [...old.slice(-2), entry]);
      setTimeout(() => setNews((old) => old.filter((one) => one !== entry)), SECONDS * 1000);
    };
    return () => {
      listener = () => {};
    };
  }, []);
  return html`<div class="announcements" aria-live="polite">
    ${news.map(
      (entry) => html`<div key=${entry.number} class="note" data-tone=${entry.tone}>
      <${Icon} name=${entry.tone === "failed" ? "warning" : "check"} /><p>${entry.text}</p>
    </div>`,
    )}
  </div>`;
}
