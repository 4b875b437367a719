/** The colours of the style sheet, as WebGL wants them. */

const canvas = document.createElement("canvas");
canvas.width = canvas.height = 1;
const context = canvas.getContext("2d", { willReadFrequently: true });

/** `rgba(...)` of a custom property of the page, as it is in the present theme. */
export function colour(property) {
  context.clearRect(0, 0, 1, 1);
  context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(property).trim();
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
  return `rgba(${red},${green},${blue},${(alpha / 255).toFixed(3)})`;
}

/** A MapLibre expression: the colour of the property's value, `--tone-VALUE`. */
export function colourOf(property, values, fallback) {
  return [
    "match",
    ["coalesce", ["get", property], ""],
    ...values.flatMap((value) => [value, colour(`--tone-${value}`)]),
    colour(`--tone-${fallback}`),
  ];
}
