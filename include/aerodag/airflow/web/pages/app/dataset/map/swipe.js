/** Before and after: a second map over the first one, cut off where the slider stands. */

import { html, useEffect, useRef, useState } from "../../../vendor/preact-htm.js";
import { Icon } from "../../elements/icons.js";
import { ErrorNote } from "../../elements/notice.js";
import { SurveyMap, together } from "./survey_map.js";

function Side({ version, side }) {
  const told = [`Run ${version.run_id}`, version.preset, version.current && "valid now"].filter(Boolean);
  return html`<span class=${`swipelabel ${side}`}>${told.join(" · ")}</span>`;
}

/** `before` lies left of the slider, `after` is the map below. */
export function Swipe({ survey, raster, opacity, before, after, onClose }) {
  const container = useRef(null);
  const [overlay, setOverlay] = useState(null);
  const [error, setError] = useState(null);
  const [at, setAt] = useState(50);
  useEffect(() => {
    let opened = null;
    let part = () => {};
    let gone = false;
    SurveyMap.open(container.current, { label: "Map of the other version", plain: true }).then((done) => {
      opened = done;
      if (gone) return done.close();
      part = together(survey.map, done.map);
      return setOverlay(done);
    }, setError);
    return () => {
      gone = true;
      part();
      opened?.close();
    };
  }, [survey]);
  useEffect(() => {
    overlay?.setRaster(raster, opacity).catch(setError);
  }, [overlay, raster?.tilejson, opacity]);
  return html`<div class="swipe" style=${`--at:${at}%`}>
    <div ref=${container} class="map" />
    <i class="swipeline" aria-hidden="true" />
    <${Side} version=${before} side="left" /><${Side} version=${after} side="right" />
    <input type="range" min="0" max="100" step="1" value=${at} onInput=${(event) => setAt(Number(event.target.value))}
      aria-label=${`Run ${before.run_id} left of here, run ${after.run_id} right`} />
    <button type="button" class="small swipeclose" onClick=${onClose}><${Icon} name="close" />End comparison</button>
    <${ErrorNote} error=${error} />
  </div>`;
}
