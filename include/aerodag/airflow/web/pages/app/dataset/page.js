/** One dataset: how it is, its map, and what its runs did. */

import { html, useEffect, useState } from "../../vendor/preact-htm.js";
import { Empty, ErrorNote, Outdated, Skeleton } from "../elements/notice.js";
import { go, hashOf } from "../router.js";
import { About } from "./about.js";
import { Banner } from "./banner.js";
import { useChoice } from "./choice.js";
import { useDatasetData } from "./data.js";
import { Header } from "./header.js";
import { Images } from "./images.js";
import { Viewer } from "./map/viewer.js";
import { Products } from "./products.js";
import { Findings } from "./run/findings.js";
import { Progress } from "./run/progress.js";
import { Runs } from "./run/runs.js";

const NONE = [];

/** The tabs: name in the address, title, number beside it, content. */
const TABS = [
  ["progress", "Progress", () => null, Progress],
  ["findings", "Findings", ({ findings }) => findings.data?.length, Findings],
  ["images", "Images", ({ item }) => item.images, Images],
  ["products", "Products", ({ item }) => item.versions.find(({ current }) => current)?.products.length, Products],
  ["runs", "Runs", ({ item }) => item.runs.length, Runs],
  ["about", "About", () => null, About],
];

export function DatasetPage({ id, tab = "progress", query, me }) {
  const wantedRun = query.get("run");
  const { dataset, ...data } = useDatasetData(id, wantedRun);
  const item = dataset.data;
  const [selected, select] = useState(null);
  const choice = useChoice(id);
  useEffect(() => {
    if (item) document.title = item.name;
  }, [item?.name]);

  if (dataset.error && !item) return html`<${Missing} error=${dataset.error} onRetry=${dataset.reload} />`;
  if (!item) return html`<${Loading} />`;
  const run = item.runs.find((one) => one.dag_run_id === data.dagRunId) ?? null;
  const images = data.exposures.data?.features ?? NONE;
  const page = { ...data, item, run, me, choice, images, selected, select };
  const [chosen, , , Content] = TABS.find(([name]) => name === tab) ?? TABS[0];
  return html`<article class="dataset">
    <${Header} ...${page} />
    <${Outdated} resources=${[dataset, data.timeline, data.findings, data.checks, data.exposures]} />
    <${Banner} ...${page} />
    <div class="survey">
      <${Viewer} ...${page} />
      <section class="side">
        <${Tabs} page=${page} chosen=${chosen} run=${wantedRun} />
        <div class="panel" role="tabpanel" id="panel" aria-labelledby=${`tab-${chosen}`}>
          ${wantedRun && run && run !== item.runs[0] && html`<${EarlierRun} id=${id} tab=${chosen} run=${run} />`}
          <${Content} key=${chosen} ...${page} />
        </div>
      </section>
    </div>
  </article>`;
}

function EarlierRun({ id, tab, run }) {
  return html`<p class="earlier">This is run ${run.run_id}, not the newest. <a
    href=${hashOf(`${id}/${tab}`)}>Show the newest</a></p>`;
}

/** Tabs as links, so that each has an address; arrow keys go from one to the next. */
function Tabs({ page, chosen, run }) {
  const keys = (event) => {
    const links = [...event.currentTarget.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: links.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    links[(to + links.length) % links.length].focus();
  };
  return html`<div class="tabs" role="tablist" aria-label="About the dataset" onKeyDown=${keys}>
    ${TABS.map(([name, title, numberOf]) => html`<${Tab} key=${name} name=${name} title=${title}
      number=${numberOf(page)} chosen=${name === chosen} href=${hashOf(`${page.item.id}/${name}`, { run })} />`)}
  </div>`;
}

function Tab({ name, title, number, chosen, href }) {
  return html`<a id=${`tab-${name}`} role="tab" href=${href} aria-controls="panel" aria-selected=${chosen}
    tabindex=${chosen ? 0 : -1} onClick=${replaceTab}>${title}${number ? html` <b>${number}</b>` : ""}</a>`;
}

/** Tabs are no steps to come back to. */
function replaceTab(event) {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go(event.currentTarget.getAttribute("href"), { replace: true });
}

function Missing({ error, onRetry }) {
  if (error.status === 404)
    return html`<${Empty} title="There is no such dataset, or you may not see it."><a href="#/">All datasets</a><//>`;
  return html`<${ErrorNote} error=${error} onRetry=${onRetry} />`;
}

function Loading() {
  return html`<article class="dataset"><${Skeleton} lines=${2} /><div class="survey"><div class="viewer ghostly" />
    <section class="side"><${Skeleton} lines=${8} /></section></div></article>`;
}
