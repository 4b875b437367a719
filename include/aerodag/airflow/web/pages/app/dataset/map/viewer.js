/** The map of the dataset's page with all that goes with it. */

import { html, useEffect, useMemo, useRef, useState } from "../../../vendor/preact-htm.js";
import { Icon } from "../../elements/icons.js";
import { ErrorNote } from "../../elements/notice.js";
import { isUnderWay } from "../../elements/state.js";
import { LayerPanel } from "./layer_panel.js";
import { Legend } from "./legend.js";
import { PhotoCard } from "./photo_card.js";
import { rastersOf, sameLayer } from "./rasters.js";
import { Swipe } from "./swipe.js";
import { SurveyMap, boundsOf } from "./survey_map.js";

const NOT_YET = "The map opens as soon as it is known where the images were taken.";
const NEVER = "It is not known where this was.";
const START = {
  version: null,
  layer: null,
  opacity: 1,
  compare: null,
  colouring: "status",
  hidden: [],
  exposures: true,
};

export function Viewer({ item, images, findings, selected, select, choice, me }) {
  const container = useRef(null);
  const [survey, setSurvey] = useState(null);
  const [error, setError] = useState(null);
  const [openings, setOpenings] = useState(0);
  const [view, setView] = useState(START);
  const change = (changes) => setView((old) => ({ ...old, ...changes }));
  const latest = useRef(select);
  latest.current = select;

  const versions = useMemo(
    () =>
      item.versions
        .map((version) => ({ ...version, rasters: rastersOf(version) }))
        .filter(({ rasters }) => rasters.length),
    [item.versions],
  );
  const version = versions.find(({ run_id: id }) => id === view.version) ?? versions[0];
  const raster = version && (version.rasters.find(({ key }) => key === view.layer) ?? version.rasters[0]);
  const other = versions.find(({ run_id: id }) => id === view.compare);
  const bounds = useMemo(() => raster?.bbox ?? item.bbox ?? boundsOf(images), [raster, item.bbox, images]);

  const there = Boolean(bounds);
  useEffect(() => {
    if (!there) return undefined;
    setError(null);
    let opened = null;
    let gone = false;
    SurveyMap.open(container.current, {
      bounds,
      label: "Map of the survey",
      onExposure: (id) => latest.current(id),
    }).then((done) => {
      opened = done;
      if (gone) done.close();
      else setSurvey(done);
    }, setError);
    return () => {
      gone = true;
      opened?.close();
      setSurvey(null);
    };
  }, [there, openings]);
  useEffect(() => {
    survey?.setRaster(raster ?? null, view.opacity).catch(setError);
  }, [survey, raster?.tilejson, view.opacity]);
  useEffect(() => {
    survey?.setExposures(images);
  }, [survey, images]);
  useEffect(() => {
    survey?.setColouring(view.colouring, view.hidden, view.exposures);
  }, [survey, view.colouring, view.hidden, view.exposures]);
  const placed = useMemo(() => images.filter(({ geometry }) => geometry), [images]);
  const image = images.find(({ properties }) => properties.id === selected) ?? null;
  useEffect(() => {
    survey?.mark(image);
  }, [survey, image]);

  return html`<section class="viewer" aria-label="Map of the survey">
    ${there ? html`<div ref=${container} class="map" />` : html`<div class="map nowhere"><p>${isUnderWay(item.state) ? NOT_YET : NEVER}</p></div>`}
    ${survey && other && html`<${Swipe} key=${other.run_id} survey=${survey} raster=${sameLayer(other, raster)}
      opacity=${view.opacity} before=${other} after=${version} onClose=${() => change({ compare: null })} />`}
    ${
      survey &&
      html`<div class="mapbuttons">
      <button type="button" class="square" aria-label="Show the whole survey" title="Show the whole survey"
        onClick=${() => survey.fit(bounds)}><${Icon} name="fit" /></button>
    </div>`
    }
    ${survey && versions.length > 0 && html`<${LayerPanel} versions=${versions} version=${version} raster=${raster}
      view=${view} onChange=${change} />`}
    ${survey && placed.length > 0 && html`<${Legend} images=${placed} view=${view} onChange=${change} />`}
    ${image && html`<${PhotoCard} item=${item} image=${image} images=${images} findings=${findings.data ?? []}
      onSelect=${select} choice=${me?.may_edit && choice} />`}
    <${ErrorNote} error=${error} onRetry=${() => setOpenings(openings + 1)} />
  </section>`;
}
