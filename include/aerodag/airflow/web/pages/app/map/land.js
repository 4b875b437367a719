/** Land, borders and names of the world, out of the TopoJSON of world-atlas. */

import { boxOf } from "./boxes.js";

const SOURCE = new URL("../../vendor/countries-50m.json", import.meta.url);
let loaded = null;

/** @returns {Promise<{land: object, borders: object, names: object}>} GeoJSON, in degrees */
export function world() {
  loaded ??= fetch(SOURCE)
    .then((response) => response.json())
    .then(decoded);
  return loaded;
}

/** The format: arcs of whole-numbered steps, shared by neighbours; an index below zero is an arc backwards. */
function decoded({ transform, arcs: encoded, objects }) {
  const [scale, translate] = [transform.scale, transform.translate];
  const arcs = encoded.map((steps) => {
    let [x, y] = [0, 0];
    return steps.map(([dx, dy]) => {
      x += dx;
      y += dy;
      return [x * scale[0] + translate[0], y * scale[1] + translate[1]];
    });
  });
  const arc = (index) => (index < 0 ? [...arcs[~index]].reverse() : arcs[index]);
  const ring = (indexes) => flat(indexes.flatMap((index, at) => (at ? arc(index).slice(1) : arc(index))));
  const polygonsOf = ({ type, arcs: parts = [] }) =>
    (type === "Polygon" ? [parts] : parts).map((rings) => rings.map(ring));

  const countries = objects.countries.geometries;
  const land = (objects.land.geometries ?? [objects.land]).flatMap(polygonsOf);
  return {
    land: { type: "Feature", properties: {}, geometry: { type: "MultiPolygon", coordinates: land } },
    borders: {
      type: "Feature",
      properties: {},
      geometry: { type: "MultiLineString", coordinates: shared(countries).map(arc) },
    },
    names: {
      type: "FeatureCollection",
      features: countries.map((country) => nameOf(country, polygonsOf(country))).filter(Boolean),
    },
  };
}

/** A ring of the globe as one of a plane: over the date line it goes on beyond 180 degrees, by the pole on the edge. */
function flat(points) {
  let [before] = points[0];
  const unrolled = points.map(([x, y]) => {
    before = x + 360 * Math.round((before - x) / 360);
    return [before, y];
  });
  const [first] = unrolled;
  return Math.abs(before - first[0]) > 180 ? [...unrolled, [before, -90], [first[0], -90], first] : unrolled;
}

/** The arcs that two countries share: the borders on land. */
function shared(countries) {
  const uses = new Map();
  for (const { arcs = [] } of countries) {
    for (const index of arcs.flat(2)) {
      const one = index < 0 ? ~index : index;
      uses.set(one, (uses.get(one) ?? 0) + 1);
    }
  }
  return [...uses].filter(([, times]) => times > 1).map(([index]) => index);
}

/** A point for the name, in the middle of the country's largest part; its size decides from which zoom it shows. */
function nameOf({ properties }, polygons) {
  const boxes = polygons.map(([outer]) => sizeOf(outer)).sort((one, other) => other.size - one.size);
  if (!boxes.length) return null;
  return {
    type: "Feature",
    properties: { name: properties.name, size: boxes[0].size },
    geometry: { type: "Point", coordinates: boxes[0].middle },
  };
}

function sizeOf(points) {
  const [west, south, east, north] = boxOf(points);
  return { size: (east - west) * (north - south), middle: [(west + east) / 2, (south + north) / 2] };
}
