/** What the ledger's names are called on the page. */

import { share } from "./amounts.js";

const STEPS = {
  claim: "Claim",
  stage: "Fetch the upload",
  validate: "Validate",
  extract_metadata: "Read metadata",
  assess_images: "Assess images",
  preflight: "Pre-flight",
  review: "Review",
  plan_engine: "Plan the engine",
  odm: "Engine",
  publish_ortho: "Publish orthophoto",
  standardise: "Standardise",
  cog: "COG",
  thumbnail: "Thumbnails",
  indices: "Vegetation indices",
  metadata: "Metadata",
  promote: "Promote",
  stac: "STAC item",
  finish: "Finish",
  cleanup: "Clean up",
};

const KINDS = {
  orthophoto: "Orthophoto",
  standardised: "Standardised orthophoto",
  cog: "COG",
  thumbnail: "Thumbnail",
  metadata: "Metadata",
  preflight: "Pre-flight report",
  previews: "Image previews",
  report: "Engine report",
  shots: "Camera positions",
  cameras: "Camera models",
  dsm: "Surface model",
  dtm: "Terrain model",
  indices: "Vegetation index",
  stac: "STAC item",
  engine_log: "Engine log",
  forensics: "Forensics",
  unregistered: "Images left unregistered",
  point_cloud: "Point cloud",
  mesh: "Mesh",
  statistics: "Statistics",
};

const IMAGE_STATUS = {
  assigned: "used",
  rejected: "left out",
  duplicate: "duplicate",
  unmatched: "no match",
  invalid_exif: "unreadable metadata",
  staged: "not examined yet",
};

const RTK = { fix: "RTK fix", float: "RTK float", single: "single", none: "no RTK" };

function plain(name) {
  const words = String(name).replace(/[_.]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function stepTitle(name) {
  return STEPS[name] ?? plain(name);
}

export function kindTitle(kind) {
  return KINDS[kind] ?? plain(kind);
}

/** What a product is called: the index by its abbreviation, other variants beside their kind. */
export function productTitle({ kind, name }) {
  if (!name) return kindTitle(kind);
  if (kind === "indices") return /\./.test(name) ? `Index ${name}` : name.toUpperCase();
  return `${kindTitle(kind)}, ${name}`;
}

export function imageStatus(status) {
  return IMAGE_STATUS[status] ?? plain(status);
}

export function rtkTitle(rtk) {
  return rtk ? (RTK[rtk] ?? rtk) : "unknown";
}

/** `image.left_out` as words, where no sentence is at hand. */
export function reasonTitle(code) {
  return plain(code.split(".").pop()).toLowerCase();
}

/** @param {number} value of 100 */
export function percent(value) {
  return share(value / 100);
}

/** The last part of a path. */
export function baseName(path) {
  return String(path).split("/").pop();
}
