/** Preact with what its hooks lack here. */

import { useRef } from "../../vendor/preact-htm.js";

export * from "../../vendor/preact-htm.js";

let given = 0;

/** An id for this place of the page, the same at each drawing. */
export function useId(prefix) {
  const id = useRef("");
  if (!id.current) {
    given += 1;
    id.current = `${prefix}-${given}`;
  }
  return id.current;
}
