/** All datasets on a map: footprints, or clusters of them where they are many. */

import { html, useEffect, useRef, useState } from "../../vendor/preact-htm.js";
import { counted } from "../amounts.js";
import { ErrorNote, Outdated } from "../elements/notice.js";
import { StateFilter } from "../list/filter.js";
import { Search, useFilter, useStatistics } from "../list/page.js";
import { Card } from "./card.js";
import { FootprintMap } from "./footprints.js";

export function MapPage({ query }) {
  const { filter, text, setText, setState } = useFilter(query, "map");
  const statistics = useStatistics(() => map.current.load());
  const container = useRef(null);
  const map = useRef(null);
  const [shown, setShown] = useState(null);
  const [chosen, setChosen] = useState(null);
  const [error, setError] = useState(null);

  useEffect(() => {
    const footprints = new FootprintMap({
      onShown: (answer) => {
        setShown(answer);
        setError(null);
      },
      onChoose: setChosen,
      onError: setError,
    });
    map.current = footprints;
    footprints.open(container.current, filter);
    return () => footprints.close();
  }, []);
  useEffect(() => map.current.search(filter), [filter.search, filter.state]);
  useEffect(() => map.current.mark(chosen), [chosen]);

  const features = shown?.features ?? [];
  const footprints = features.filter((feature) => feature.properties.id !== undefined);
  return html`<div class="toolbar">
      <${Search} text=${text} onText=${setText} />
      <${StateFilter} counts=${statistics.data?.by_state} chosen=${filter.state} onChoose=${setState} />
    </div>
    <${Outdated} resources=${[statistics]} />
    <div class="atlas">
      <section class="inview" aria-label="Datasets in view">
        <h2>${headline(features, footprints)}</h2>
        <ul>${footprints.map(
          ({ properties }) => html`<li key=${properties.id}>
          <button type="button" class="plain" aria-pressed=${chosen === properties.id} onClick=${() => {
            setChosen(properties.id);
            map.current.goTo(properties.id);
          }}>
            <i class="dot" data-tone=${properties.state} /><span>${properties.name}</span></button>
        </li>`,
        )}</ul>
      </section>
      <div class="canvas">
        <div ref=${container} class="map" />
        ${chosen !== null && html`<${Card} key=${chosen} id=${chosen} onClose=${() => setChosen(null)} />`}
        <${ErrorNote} error=${error} onRetry=${() => {
          setError(null);
          map.current.open(container.current, filter);
        }} />
      </div>
    </div>`;
}

function headline(features, footprints) {
  const clustered = features.reduce((sum, feature) => sum + (feature.properties.count ?? 0), 0);
  if (clustered) return `${counted(clustered + footprints.length, "dataset")} in view; zoom in for their outlines`;
  return footprints.length ? `${counted(footprints.length, "dataset")} in view` : "No dataset in view";
}
