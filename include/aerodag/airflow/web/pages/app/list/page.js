/** All datasets: figures, search, filter, rows. */

import { html, useCallback, useEffect, useRef, useState } from "../../vendor/preact-htm.js";
import { get } from "../api.js";
import { Icon } from "../elements/icons.js";
import { Empty, ErrorNote, Outdated } from "../elements/notice.js";
import { useDebounced, usePolling, useResource } from "../resource.js";
import { go, hashOf } from "../router.js";
import { useDatasets } from "./datasets.js";
import { StateFilter } from "./filter.js";
import { Row, RowSkeletons } from "./row.js";
import { Figures } from "./figures.js";

const STATISTICS_SECONDS = 30;

/** The search and the state in the address, and a way to change them. */
export function useFilter(query, path) {
  const filter = { search: query.get("search") ?? "", state: query.get("state") ?? "" };
  const [text, setText] = useState(filter.search);
  const settled = useDebounced(text, 250);
  const written = useRef(filter.search);
  const change = (changes) => {
    const wanted = { ...filter, ...changes };
    written.current = wanted.search;
    go(hashOf(path, wanted), { replace: true });
  };
  useEffect(() => {
    if (settled !== filter.search) change({ search: settled.trim() });
  }, [settled]);
  useEffect(() => {
    // Only what a link or Back put there: what was typed may have gone on since it was written.
    if (filter.search !== written.current) setText(filter.search);
    written.current = filter.search;
  }, [filter.search]);
  const clear = () => {
    setText("");
    change({ search: "", state: "" });
  };
  return { filter, text, setText, setState: (state) => change({ state, search: text.trim() }), clear };
}

/** The figures over all datasets; `onOther` is called when datasets came, went or changed their state. */
export function useStatistics(onOther) {
  const statistics = useResource((signal) => get("statistics", {}, signal), []);
  const known = useRef(null);
  usePolling(statistics.reload, STATISTICS_SECONDS, true);
  useEffect(() => {
    if (!statistics.data) return;
    const counts = JSON.stringify([statistics.data.datasets, statistics.data.by_state]);
    if (known.current !== null && known.current !== counts) onOther();
    known.current = counts;
  }, [statistics.data]);
  return statistics;
}

/** A field that `/` leads to from anywhere on the page. */
export function Search({ text, onText, onDown }) {
  const field = useRef(null);
  useEffect(() => {
    const focus = (event) => {
      const typing = event.target.closest?.("input, textarea, select, dialog");
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      field.current.focus();
      field.current.select();
    };
    addEventListener("keydown", focus);
    return () => removeEventListener("keydown", focus);
  }, []);
  const keys = (event) => {
    if (event.key === "Escape" && text) onText("");
    else if (event.key === "ArrowDown") onDown?.();
    else return;
    event.preventDefault();
  };
  return html`<label class="search"><${Icon} name="search" />
    <span class="unseen">Search by name, owner, project or id</span>
    <input ref=${field} type="search" value=${text} placeholder="Name, owner, project or id" autocomplete="off"
      spellcheck="false"
      aria-keyshortcuts="/" onInput=${(event) => onText(event.target.value)} onKeyDown=${keys} />
    <kbd aria-hidden="true">/</kbd>
  </label>`;
}

export function ListPage({ query, me }) {
  const { filter, text, setText, setState, clear } = useFilter(query, "");
  const visible = useRef(new Set());
  const list = useRef(null);
  const datasets = useDatasets(filter, visible);
  const statistics = useStatistics(datasets.reload);
  const seen = useVisibleRows(list, visible, datasets.items);
  const focusFirst = () => list.current?.querySelector("a.row")?.focus();
  return html`<${Figures} statistics=${statistics.data} error=${statistics.error} onRetry=${statistics.reload} />
    <${Outdated} resources=${[statistics, { ...datasets, data: datasets.items, error: datasets.stale }]} />
    <div class="toolbar">
      <${Search} text=${text} onText=${setText} onDown=${focusFirst} />
      <${StateFilter} counts=${statistics.data?.by_state} chosen=${filter.state} onChoose=${setState} />
    </div>
    <div class="rows" aria-busy=${datasets.loading}>
      <div class="row head" aria-hidden="true"><span /><span>Name</span><span>Status</span><span class="cells">
        <span>Images used</span><span>Area</span><span>GSD</span><span>RTK fix</span><span>Uploaded</span></span></div>
      <ul ref=${list} onKeyDown=${moveFocus} aria-label="Datasets">
        ${datasets.items.map((item) => html`<${Row} key=${item.id} item=${item} seen=${seen} />`)}
        ${datasets.loading && html`<${RowSkeletons} count=${datasets.items.length ? 3 : 8} />`}
      </ul>
    </div>
    <${ErrorNote} error=${datasets.error} onRetry=${datasets.retry} />
    ${
      !datasets.loading &&
      !datasets.error &&
      !datasets.items.length &&
      html`<${Nothing} filter=${filter} me=${me} onClear=${clear} />`
    }
    ${datasets.next && html`<${More} onMore=${datasets.more} loading=${datasets.loading} />`}`;
}

function Nothing({ filter, me, onClear }) {
  if (filter.search || filter.state) {
    return html`<${Empty} title="No dataset fits."><button type="button" onClick=${onClear}>Show all datasets</button>
      <//>`;
  }
  return html`<${Empty} title="There are no datasets yet.">
    ${me?.may_upload ? html`<a class="button solid" href="#/upload">
      <${Icon} name="upload" />Upload the first one</a>` : "They appear here as soon as somebody uploads one."}
  <//>`;
}

/** Loads the next page when it comes into sight; a button for those who do not scroll. */
function More({ onMore, loading }) {
  const button = useRef(null);
  const latest = useRef(onMore);
  latest.current = onMore;
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => entry.isIntersecting && latest.current(), {
      rootMargin: "600px",
    });
    observer.observe(button.current);
    return () => observer.disconnect();
  }, [loading]);
  return html`<div class="more"><button ref=${button} type="button" disabled=${loading} onClick=${onMore}>
    ${loading ? "Loading…" : "Show more"}</button></div>`;
}

/** Arrow keys, Home and End lead from row to row. */
function moveFocus(event) {
  const rows = [...event.currentTarget.querySelectorAll("a.row")];
  const at = rows.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
  if (to === undefined || at < 0) return;
  event.preventDefault();
  if (to < 0) document.querySelector(".search input").focus();
  else rows[Math.min(to, rows.length - 1)].focus();
}

/** Keeps the ids of the rows in the window; what runs out of sight is not asked for. */
function useVisibleRows(list, visible, items) {
  const [, redraw] = useState(0);
  const observer = useRef(null);
  if (!observer.current) {
    observer.current = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) visible.current.add(Number(target.dataset.id));
        else visible.current.delete(Number(target.dataset.id));
      }
      redraw((times) => times + 1);
    });
  }
  useEffect(() => () => observer.current.disconnect(), []);
  useEffect(() => {
    const there = new Set(items.map((item) => item.id));
    visible.current.forEach((id) => there.has(id) || visible.current.delete(id));
  }, [items]);
  return useCallback((element) => element && observer.current.observe(element), []);
}
