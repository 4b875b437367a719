/** The map of one survey: a raster of its products below, its exposures above. */

import { FITTING, openMap } from "../../map/basemap.js";
import { boxOf, ordered } from "../../map/boxes.js";
import { colour, colourOf } from "../../map/colours.js";
import { get } from "../../api.js";
import { COLOURINGS } from "./classes.js";

const EMPTY = { type: "FeatureCollection", features: [] };

export class SurveyMap {
  /**
   * @param {HTMLElement} container
   * @param {{bounds?: number[], label: string, plain?: boolean, onExposure?: (id: number | null) => void}} options
   */
  static async open(container, options) {
    const survey = new SurveyMap();
    survey.map = await openMap(container, { ...options, onTheme: () => survey.paint() });
    survey.onExposure = options.onExposure ?? (() => {});
    survey.colouring = "status";
    survey.hidden = [];
    survey.addExposures();
    return survey;
  }

  close() {
    this.closed = true;
    this.map.remove();
  }

  /** @param {{tilejson: string} | null} product @param {number} opacity of one */
  async setRaster(product, opacity) {
    const wanted = product?.tilejson ?? null;
    if (wanted === this.raster) return this.setOpacity(opacity);
    this.raster = wanted;
    const description = wanted && (await tilesOf(wanted));
    if (this.closed || this.raster !== wanted) return undefined;
    if (this.map.getLayer("raster")) this.map.removeLayer("raster");
    if (this.map.getSource("raster")) this.map.removeSource("raster");
    if (!description) return undefined;
    this.map.addSource("raster", { type: "raster", ...description });
    this.map.addLayer(
      {
        id: "raster",
        type: "raster",
        source: "raster",
        paint: { "raster-opacity": opacity, "raster-fade-duration": 120 },
      },
      "exposures",
    );
    return undefined;
  }

  setOpacity(opacity) {
    if (this.map.getLayer("raster")) this.map.setPaintProperty("raster", "raster-opacity", opacity);
  }

  addExposures() {
    const { map } = this;
    map.addSource("exposures", { type: "geojson", data: EMPTY });
    const radius = ["interpolate", ["linear"], ["zoom"], 12, 2, 16, 4, 19, 6.5];
    map.addLayer({
      id: "exposures",
      type: "circle",
      source: "exposures",
      paint: { "circle-radius": radius, "circle-stroke-width": 1.2 },
    });
    map.addLayer({
      id: "marked",
      type: "circle",
      source: "exposures",
      filter: ["==", ["get", "id"], -1],
      paint: {
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 12, 7, 19, 13],
        "circle-color": "transparent",
        "circle-stroke-width": 3,
      },
    });
    map.on("click", ({ point }) => {
      const [hit] = map.queryRenderedFeatures(
        [
          [point.x - 5, point.y - 5],
          [point.x + 5, point.y + 5],
        ],
        { layers: ["exposures"] },
      );
      this.onExposure(hit ? hit.properties.id : null);
    });
    map.on("mouseenter", "exposures", () => {
      map.getCanvas().style.cursor = "pointer";
    });
    map.on("mouseleave", "exposures", () => {
      map.getCanvas().style.cursor = "";
    });
    this.paint();
  }

  /** @param {object[]} images GeoJSON features; those without a position are not drawn */
  setExposures(images) {
    const features = images
      .filter((image) => image.geometry)
      .map((image) => ({
        type: "Feature",
        geometry: image.geometry,
        properties: { id: image.properties.id, status: COLOURINGS.status.of(image), rtk: COLOURINGS.rtk.of(image) },
      }));
    this.map.getSource("exposures").setData({ ...EMPTY, features });
  }

  /** @param {"status" | "rtk"} colouring @param {string[]} hidden classes not drawn @param {boolean} visible */
  setColouring(colouring, hidden, visible) {
    Object.assign(this, { colouring, hidden });
    this.map.setFilter("exposures", ["!", ["in", ["get", colouring], ["literal", hidden]]]);
    for (const layer of ["exposures", "marked"])
      this.map.setLayoutProperty(layer, "visibility", visible ? "visible" : "none");
    this.paint();
  }

  paint() {
    if (!this.map?.getLayer("marked")) return;
    const { classes } = COLOURINGS[this.colouring];
    this.map.setPaintProperty("exposures", "circle-color", colourOf(this.colouring, classes, "none"));
    this.map.setPaintProperty("exposures", "circle-stroke-color", colour("--map-casing"));
    this.map.setPaintProperty("marked", "circle-stroke-color", colour("--focus"));
  }

  mark(image) {
    this.map.setFilter("marked", ["==", ["get", "id"], image?.properties.id ?? -1]);
    if (!image?.geometry) return;
    const at = image.geometry.coordinates;
    if (!this.map.getBounds().contains(at)) this.map.easeTo({ center: at });
  }

  fit(bounds) {
    if (bounds) this.map.fitBounds(ordered(bounds), { ...FITTING, duration: 300 });
  }
}

/** A TileJSON as a source of MapLibre, which wants whole addresses. */
async function tilesOf(path) {
  // Aerodag's API gives paths from the root of the server.
  const { tiles, minzoom, maxzoom, bounds, tileSize, tilesize } = await brought(new URL(path, location.href).href);
  return {
    tiles: tiles.map((template) => new URL(template, location.href).href.replaceAll("%7B", "{").replaceAll("%7D", "}")),
    minzoom,
    maxzoom,
    bounds,
    tileSize: tileSize ?? tilesize ?? 256,
  };
}

/** What lies on storage elsewhere is there after a while. */
async function brought(address) {
  for (;;) {
    try {
      return await get(address);
    } catch (error) {
      if (error.status !== 503 || !error.retryAfter) throw error;
      await new Promise((resolve) => setTimeout(resolve, error.retryAfter * 1000));
    }
  }
}

/** Two maps of the same place move as one. @returns {() => void} ends it */
export function together(one, other) {
  let leading = null;
  const follow = (leader, follower) => () => {
    if (leading && leading !== leader) return;
    leading = leader;
    follower.jumpTo({ center: leader.getCenter(), zoom: leader.getZoom() });
    leading = null;
  };
  const [forth, back] = [follow(one, other), follow(other, one)];
  forth();
  one.on("move", forth);
  other.on("move", back);
  return () => {
    one.off("move", forth);
    other.off("move", back);
  };
}

/** West, south, east, north of the exposures; null where none has a position. */
export function boundsOf(images) {
  const points = images.filter((image) => image.geometry).map((image) => image.geometry.coordinates);
  if (!points.length) return null;
  const box = boxOf(points);
  // Farther apart than half the Earth they lie on both sides of the date line.
  return box[2] - box[0] > 180 ? boxOf(points.map(([x, y]) => [x < 0 ? x + 360 : x, y])) : box;
}
