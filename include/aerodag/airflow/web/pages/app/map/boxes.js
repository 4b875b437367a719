/** Boxes in degrees: west, south, east, north. */

/** West, south, east, north as MapLibre takes them: the API's east is less than its west across the date line. */
export function ordered([west, south, east, north]) {
  return [west, south, east < west ? east + 360 : east, north];
}

/** West, south, east, north of points, which are at least one. @param {number[][]} points longitude and latitude */
export function boxOf(points) {
  return points.reduce(
    ([west, south, east, north], [x, y]) => [
      Math.min(west, x),
      Math.min(south, y),
      Math.max(east, x),
      Math.max(north, y),
    ],
    [Infinity, Infinity, -Infinity, -Infinity],
  );
}
