/** Which products of a version can be looked at on a map. */

import { productTitle } from "../../words.js";

// The delivery COG first; what is there for the record last.
const ORDER = ["cog", "indices", "dsm", "dtm", "standardised", "orthophoto"];

function rank({ kind, name }) {
  const at = ORDER.indexOf(kind);
  return (at < 0 ? ORDER.length : at) + (kind === "cog" && name ? 10 : 0);
}

/** The products with tiles, each with a `key` that other versions share and a `title`. */
export function rastersOf({ products }) {
  return products
    .filter(({ tilejson }) => tilejson)
    .sort((one, other) => rank(one) - rank(other))
    .map((product) => ({
      ...product,
      key: `${product.kind}/${product.name}`,
      title: product.kind === "cog" && !product.name ? "Orthophoto" : productTitle(product),
    }));
}

/** The same kind of product in another version; its first where it has none. */
export function sameLayer(version, raster) {
  return version.rasters.find(({ key }) => key === raster?.key) ?? version.rasters[0];
}
