/** Numbers with their units, short. What is unknown is a dash. */

export const UNKNOWN = "–";

const number = (digits) => new Intl.NumberFormat("en", { maximumFractionDigits: digits });
const WHOLE = number(0);
const formats = [WHOLE, number(1), number(2)];

function isKnown(value) {
  return value !== null && value !== undefined && Number.isFinite(value);
}

/** Three significant digits at most, and never an exponent. */
function rounded(value) {
  const size = Math.abs(value);
  return formats[size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : 2].format(value);
}

export function count(value) {
  return isKnown(value) ? WHOLE.format(value) : UNKNOWN;
}

/** `1 image`, `12 images`. */
export function counted(value, one, many = `${one}s`) {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** @param {number | null | undefined} squareMetres */
export function area(squareMetres) {
  if (!isKnown(squareMetres)) return UNKNOWN;
  return squareMetres < 1000 ? `${WHOLE.format(squareMetres)} m²` : `${rounded(squareMetres / 10_000)} ha`;
}

/** Pixel size on the ground. */
export function gsd(centimetres) {
  if (!isKnown(centimetres)) return UNKNOWN;
  return centimetres < 100 ? `${rounded(centimetres)} cm` : `${rounded(centimetres / 100)} m`;
}

/** @param {number | null | undefined} part of one */
export function share(part) {
  if (!isKnown(part)) return UNKNOWN;
  // What is not all is not told as 100 %, and what is not nothing not as 0 %.
  const percents = part * 100;
  if (percents > 99.5 && percents < 100) return ">99 %";
  if (percents > 0 && percents < 0.5) return "<1 %";
  return `${WHOLE.format(percents)} %`;
}

const SIZES = ["bytes", "kB", "MB", "GB", "TB", "PB"];

export function bytes(value) {
  if (!isKnown(value)) return UNKNOWN;
  let size = value;
  let unit = 0;
  while (size >= 999.5 && unit < SIZES.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit ? rounded(Number(size.toPrecision(3))) : WHOLE.format(size)} ${SIZES[unit]}`;
}

/** `metres` above something; one decimal. */
export function metres(value) {
  return isKnown(value) ? `${rounded(value)} m` : UNKNOWN;
}

/** A value of any size with its unit, as the checks have it. */
export function measured(value, unit) {
  if (!isKnown(value)) return UNKNOWN;
  if (unit === "share") return share(value);
  const digits =
    Math.abs(value) >= 1e6 || (value !== 0 && Math.abs(value) < 0.01) ? value.toPrecision(3) : rounded(value);
  return unit && unit !== "count" ? `${digits} ${unit}` : digits;
}
