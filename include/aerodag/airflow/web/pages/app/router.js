/** The address after the hash: `#/` list, `#/map`, `#/upload`, `#/17` and `#/17/products` a dataset; with a query. */

import { useEffect, useState } from "../vendor/preact-htm.js";
import { shareAddress } from "./frame.js";

/**
 * @typedef {{view: "list" | "map" | "upload" | "dataset" | "run" | "unknown", id?: number, tab?: string, run?: string,
 *            query: URLSearchParams}} Place
 */

/** @returns {Place} */
export function placeOf(hash = location.hash, search = location.search) {
  const run = new URLSearchParams(search).get("run");
  if (!hash.replace(/^#\/?/, "") && run && !hash.startsWith("#/"))
    return { view: "run", run, query: new URLSearchParams() };
  const [path, text = ""] = hash.replace(/^#\/?/, "").split("?");
  const query = new URLSearchParams(text);
  const [first = "", tab = ""] = path.split("/");
  if (/^\d+$/.test(first)) return { view: "dataset", id: Number(first), tab: tab || undefined, query };
  if (first === "") return { view: "list", query };
  if (first === "map" || first === "upload") return { view: first, query };
  return { view: "unknown", query };
}

/** `#/path?name=value`; empty values are left out. */
export function hashOf(path, params = {}) {
  const query = new URLSearchParams(Object.entries(params).filter(([, value]) => value));
  return `#/${path}${String(query) && `?${query}`}`;
}

/** Go there; `replace` where it is no step to come back to. */
export function go(hash, { replace = false } = {}) {
  if (replace) {
    history.replaceState(null, "", hash);
    dispatchEvent(new HashChangeEvent("hashchange"));
  } else {
    location.hash = hash;
  }
}

/** The place the page is at; follows the address. */
export function usePlace() {
  const [place, setPlace] = useState(placeOf);
  useEffect(() => {
    const follow = () => {
      setPlace(placeOf());
      shareAddress();
    };
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return place;
}
