/** The map of all datasets: asks for what is in view, draws it, tells what was clicked. */

import { get } from "../api.js";
import { STATES } from "../elements/state.js";
import { FONT, openMap } from "./basemap.js";
import { boxOf, ordered } from "./boxes.js";
import { colour, colourOf } from "./colours.js";

const EMPTY = { type: "FeatureCollection", features: [] };
const WORLD = [-180, -85, 180, 85];

export class FootprintMap {
  /**
   * @param {{onShown: (answer: object) => void, onChoose: (id: number | null) => void,
   *   onError: (error: Error) => void}} told
   */
  constructor(told) {
    this.told = told;
    this.filter = {};
    this.features = [];
    this.marked = null;
    this.control = new AbortController();
    this.closed = false;
  }

  /** Opens on the data's bounding box; once more after it failed, and then only asks anew where it is open. */
  async open(container, filter) {
    this.filter = filter;
    try {
      await (this.map ? this.load() : this.begin(container));
    } catch (error) {
      this.failed(error);
    }
  }

  async begin(container) {
    const start = await this.ask(WORLD, 0);
    const map = await openMap(container, {
      bounds: start.bbox ?? undefined,
      label: "Map of the datasets",
      onTheme: () => this.paint(),
    });
    if (this.closed) return map.remove();
    this.map = map;
    this.addLayers();
    map.on("moveend", () => this.load());
    map.on("click", (event) => this.click(event));
    for (const layer of ["fills", "points", "clusters"]) {
      map.on("mouseenter", layer, () => {
        map.getCanvas().style.cursor = "pointer";
      });
      map.on("mouseleave", layer, () => {
        map.getCanvas().style.cursor = "";
      });
    }
    return this.load();
  }

  close() {
    this.closed = true;
    this.control.abort();
    this.map?.remove();
  }

  ask(bbox, zoom) {
    this.control.abort();
    this.control = new AbortController();
    return get(
      "map",
      { bbox: bbox.map((degrees) => degrees.toFixed(6)).join(","), zoom: Math.floor(zoom), ...this.filter },
      this.control.signal,
    );
  }

  /** Ask for what is in view now. */
  async load() {
    if (!this.map) return;
    try {
      this.show(await this.ask(viewOf(this.map.getBounds()), this.map.getZoom()));
    } catch (error) {
      this.failed(error);
    }
  }

  failed(error) {
    if (error.name !== "AbortError") this.told.onError(error);
  }

  /** Another search: look where its results are. */
  async search(filter) {
    const same = filter.search === this.filter.search && filter.state === this.filter.state;
    this.filter = filter;
    if (!this.map || same) return;
    try {
      const { bbox } = await this.ask(WORLD, 0);
      if (bbox) this.map.fitBounds(ordered(bbox), { padding: 40, maxZoom: 17, animate: false });
      await this.load();
    } catch (error) {
      this.failed(error);
    }
  }

  show(answer) {
    this.features = answer.features;
    const footprints = answer.features.filter((feature) => feature.properties.id !== undefined);
    const clusters = answer.features.filter((feature) => feature.properties.id === undefined);
    this.map.getSource("footprints").setData({ ...EMPTY, features: footprints });
    // A footprint of some hundred metres is nothing on a map of a country, so each has a point as well.
    this.map.getSource("points").setData({ ...EMPTY, features: footprints.map(middle) });
    this.map
      .getSource("clusters")
      .setData({
        ...EMPTY,
        features: clusters.map((feature, index) => ({ ...feature, properties: { ...feature.properties, index } })),
      });
    this.clusters = clusters;
    this.told.onShown(answer);
  }

  goTo(id) {
    const feature = this.features.find(({ properties }) => properties.id === id);
    if (feature) this.map.fitBounds(frameOf(feature), { padding: 90, maxZoom: 18 });
  }

  mark(id) {
    this.marked = id;
    this.map?.setFilter("marked", ["==", ["get", "id"], id ?? -1]);
  }

  addLayers() {
    const { map } = this;
    for (const name of ["footprints", "points", "clusters"]) map.addSource(name, { type: "geojson", data: EMPTY });
    map.addLayer({ id: "fills", type: "fill", source: "footprints", paint: { "fill-opacity": 0.25 } });
    map.addLayer({ id: "outlines", type: "line", source: "footprints", paint: { "line-width": 1.5 } });
    map.addLayer({
      id: "points",
      type: "circle",
      source: "points",
      maxzoom: 14,
      paint: { "circle-radius": 5, "circle-stroke-width": 1.5 },
    });
    map.addLayer({
      id: "marked",
      type: "line",
      source: "footprints",
      paint: { "line-width": 3.5 },
      filter: ["==", ["get", "id"], this.marked ?? -1],
    });
    map.addLayer({
      id: "clusters",
      type: "circle",
      source: "clusters",
      paint: {
        "circle-radius": ["interpolate", ["linear"], ["log10", ["max", 1, ["get", "count"]]], 0, 13, 2, 19, 5, 34],
        "circle-stroke-width": 4,
      },
    });
    map.addLayer({
      id: "counts",
      type: "symbol",
      source: "clusters",
      layout: {
        "text-field": ["number-format", ["get", "count"], { locale: "en" }],
        "text-font": FONT,
        "text-size": 12,
        "text-allow-overlap": true,
      },
    });
    this.paint();
  }

  paint() {
    if (!this.map?.getLayer("counts")) return;
    const state = colourOf("state", Object.keys(STATES), "none");
    const paints = {
      fills: { "fill-color": state },
      outlines: { "line-color": state },
      points: { "circle-color": state, "circle-stroke-color": colour("--map-land") },
      marked: { "line-color": colour("--focus") },
      clusters: { "circle-color": colour("--solid"), "circle-stroke-color": colour("--map-halo") },
      counts: { "text-color": colour("--on-solid") },
    };
    for (const [layer, properties] of Object.entries(paints)) {
      for (const [name, value] of Object.entries(properties)) this.map.setPaintProperty(layer, name, value);
    }
  }

  click({ point }) {
    const around = [
      [point.x - 4, point.y - 4],
      [point.x + 4, point.y + 4],
    ];
    const [hit] = this.map.queryRenderedFeatures(around, { layers: ["clusters", "points", "fills"] });
    if (!hit) this.told.onChoose(null);
    else if (hit.layer.id === "clusters") this.openCluster(this.clusters[hit.properties.index]);
    else this.told.onChoose(hit.properties.id);
  }

  openCluster(cluster) {
    const { bbox } = cluster.properties;
    const nearer = this.map.getZoom() + 2;
    if (bbox) this.map.fitBounds(ordered(bbox), { padding: 60, maxZoom: Math.max(nearer, 14) });
    else this.map.easeTo({ center: cluster.geometry.coordinates, zoom: nearer });
  }
}

/** Degrees east within -180 and 180. */
function wrapped(longitude) {
  return ((((longitude + 180) % 360) + 360) % 360) - 180;
}

function pointsOf(coordinates) {
  return typeof coordinates[0] === "number" ? [coordinates] : coordinates.flatMap(pointsOf);
}

/** What the map shows, as the API takes it: from a west within -180 and 180 as far east as it goes. */
export function viewOf(bounds) {
  const [south, north] = [Math.max(-90, bounds.getSouth()), Math.min(90, bounds.getNorth())];
  const width = bounds.getEast() - bounds.getWest();
  if (width >= 360) return [-180, south, 180, north];
  const west = wrapped(bounds.getWest());
  return [west, south, west + width, north];
}

/** West, south, east, north; east is beyond 180 across the date line, where the outline itself is cut in two. */
function frameOf({ geometry, properties }) {
  if (properties.bbox) return ordered(properties.bbox);
  return boxOf(pointsOf(geometry.coordinates));
}

export function middle(feature) {
  const [west, south, east, north] = frameOf(feature);
  return {
    type: "Feature",
    properties: feature.properties,
    geometry: { type: "Point", coordinates: [wrapped((west + east) / 2), (south + north) / 2] },
  };
}
