/** A map of land and borders that needs nothing from elsewhere; follows the theme. */

import { ordered } from "./boxes.js";
import { colour } from "./colours.js";
import { world } from "./land.js";

const STYLES = new URL("../../vendor/maplibre-gl.css", import.meta.url).href;
// Natural Earth is drawn for 1:50 million; nearer than this its coast would be misleading.
const [FADES, GONE] = [7, 9.5];
export const FITTING = { padding: 40, maxZoom: 20 };
export const FONT = ["sans-serif"];

let library = null;

/** MapLibre with its styles, loaded with the first map. */
function maplibre() {
  library ??= Promise.all([import("../../vendor/maplibre-gl.mjs"), styles()]).then(
    ([module]) => module,
    () => {
      library = null;
      throw new Error("The map could not be loaded. Is the network there?");
    },
  );
  return library;
}

function styles() {
  return new Promise((resolve, reject) => {
    const link = Object.assign(document.createElement("link"), {
      rel: "stylesheet",
      href: STYLES,
      onload: resolve,
      onerror: reject,
    });
    document.head.append(link);
  });
}

function fading(before, after) {
  return ["interpolate", ["linear"], ["zoom"], FADES, before, GONE, after];
}

/** What of the base depends on the theme. */
function paints() {
  return {
    sea: { "background-color": fading(colour("--map-sea"), colour("--map-ground")) },
    land: { "fill-color": colour("--map-land"), "fill-opacity": fading(1, 0) },
    coast: { "line-color": colour("--map-line"), "line-opacity": fading(1, 0), "line-width": 0.6 },
    borders: {
      "line-color": colour("--map-line"),
      "line-opacity": fading(1, 0),
      "line-width": 0.8,
      "line-dasharray": [3, 2],
    },
    names: { "text-color": colour("--map-name"), "text-halo-color": colour("--map-land"), "text-halo-width": 1.2 },
  };
}

/** Without its data: a map of a survey has no need to wait for the world. */
function style() {
  const paint = paints();
  const source = { type: "geojson", data: { type: "FeatureCollection", features: [] }, tolerance: 0.2, maxzoom: 8 };
  return {
    version: 8,
    sources: { land: source, borders: source, names: source },
    layers: [
      { id: "sea", type: "background", paint: paint.sea },
      { id: "land", type: "fill", source: "land", maxzoom: GONE, paint: paint.land },
      { id: "coast", type: "line", source: "land", maxzoom: GONE, paint: paint.coast },
      { id: "borders", type: "line", source: "borders", maxzoom: GONE, paint: paint.borders },
      {
        id: "names",
        type: "symbol",
        source: "names",
        minzoom: 1.5,
        maxzoom: FADES,
        paint: paint.names,
        layout: {
          "text-field": ["get", "name"],
          "text-font": FONT,
          "text-size": 11,
          "text-max-width": 7,
          "symbol-sort-key": ["-", 0, ["get", "size"]],
        },
      },
    ],
  };
}

/**
 * @param {HTMLElement} container
 * @param {{bounds?: number[], label: string, onTheme?: () => void, plain?: boolean}} options `bounds` are west, south,
 *   east, north; `onTheme` paints the page's own layers anew; `plain` maps have no controls
 * @returns {Promise<import("../../vendor/maplibre-gl.mjs").Map>} once it can take layers
 * @throws {Error} where the browser cannot draw maps
 */
export async function openMap(container, { bounds, label, onTheme, plain = false }) {
  const { Map, NavigationControl, ScaleControl } = await maplibre();
  let map;
  try {
    map = new Map({
      container,
      style: style(),
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      maxZoom: 24,
      renderWorldCopies: true,
      fadeDuration: 150,
      ...(bounds ? { bounds: ordered(bounds), fitBoundsOptions: FITTING } : { center: [10, 25], zoom: 1 }),
    });
  } catch {
    throw new Error("This browser cannot draw the map: it has no WebGL. Everything else on the page works without.");
  }
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.getCanvas().setAttribute("aria-label", label);
  if (!plain) {
    map.addControl(new NavigationControl({ showCompass: false }), "top-right");
    map.addControl(new ScaleControl({ unit: "metric", maxWidth: 110 }), "bottom-left");
  }
  // A tile outside of the raster is no error, and a broken one shows as a hole.
  map.on("error", () => {});
  const paint = () => {
    for (const [layer, properties] of Object.entries(paints())) {
      for (const [name, value] of Object.entries(properties)) map.setPaintProperty(layer, name, value);
    }
    onTheme?.();
  };
  let removed = false;
  document.addEventListener("themechange", paint);
  map.on("remove", () => {
    removed = true;
    document.removeEventListener("themechange", paint);
  });
  await new Promise((resolve) => map.once("style.load", resolve));
  world().then((earth) => {
    if (!removed) Object.entries(earth).forEach(([name, data]) => map.getSource(name).setData(data));
  });
  return map;
}
