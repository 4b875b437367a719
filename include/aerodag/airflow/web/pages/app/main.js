/** The page: its frame, and the view that the address names. */

import { html, render, useEffect, useLayoutEffect } from "../vendor/preact-htm.js";
import { get } from "./api.js";
import { Announcements } from "./elements/announce.js";
import { Icon } from "./elements/icons.js";
import { Empty, ErrorNote } from "./elements/notice.js";
import { DatasetPage } from "./dataset/page.js";
import { RunPlace } from "./dataset/run_place.js";
import { ListPage } from "./list/page.js";
import { MapPage } from "./map/page.js";
import { useResource } from "./resource.js";
import { usePlace } from "./router.js";
import { UploadPage } from "./upload/page.js";
import { UploadsUnderWay } from "./upload/under_way.js";

const TITLES = { list: "Datasets", map: "Map", upload: "Upload" };

function Tab({ href, icon, label, current }) {
  return html`<a href=${href} aria-current=${current ? "page" : undefined}><${Icon} name=${icon} /><span>${label}</span>
    </a>`;
}

function Header({ view, me }) {
  return html`<header class="top">
    <h1><a href="#/">Datasets</a></h1>
    <nav aria-label="Views">
      <${Tab} href="#/" icon="list" label="List" current=${view === "list"} />
      <${Tab} href="#/map" icon="map" label="Map" current=${view === "map"} />
    </nav>
    <span class="grow" />
    <${UploadsUnderWay} />
    ${me?.may_upload && html`<a class="button solid" href="#/upload"><${Icon} name="upload" />Upload</a>`}
  </header>`;
}

function View({ place, me }) {
  if (place.view === "list") return html`<${ListPage} query=${place.query} me=${me} />`;
  if (place.view === "map") return html`<${MapPage} query=${place.query} />`;
  if (place.view === "upload") return html`<${UploadPage} me=${me} />`;
  if (place.view === "run") return html`<${RunPlace} dagRunId=${place.run} />`;
  if (place.view === "dataset")
    return html`<${DatasetPage} key=${place.id} id=${place.id} tab=${place.tab} query=${place.query} me=${me} />`;
  return html`<${Empty} title="There is no such page."><a href="#/">All datasets</a><//>`;
}

function App() {
  const place = usePlace();
  const me = useResource((signal) => get("me", {}, signal), []);
  useEffect(() => {
    document.title = TITLES[place.view] ?? "Dataset";
  }, [place.view]);
  useLayoutEffect(() => {
    // The list scrolls itself to where it was left.
    if (place.view !== "list") scrollTo(0, 0);
  }, [place.view, place.id]);
  const skip = (event) => {
    event.preventDefault();
    document.querySelector("main").focus();
  };
  return html`<a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <${Header} view=${place.view} me=${me.data} />
    <main tabindex="-1" data-view=${place.view}>
      ${me.error ? html`<${ErrorNote} error=${me.error} onRetry=${me.reload} />` : html`<${View} place=${place}
        me=${me.data} />`}
    </main>
    <${Announcements} />`;
}

render(html`<${App} />`, document.getElementById("root"));
