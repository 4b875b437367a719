/** Preact with what its hooks lack here. */

import { useEffect, useRef } from "../../vendor/preact-htm.js";

export * from "../../vendor/preact-htm.js";

let given = 0;

/**
 * For what opens beside the rest: it gets the focus; closed from within, it gives it back to what had it before.
 * @returns {{current: HTMLElement | null}} the ref of an element with a tabindex
 */
export function useFocus() {
  const element = useRef(null);
  useEffect(() => {
    const opened = element.current;
    let before = null;
    opened.addEventListener("focusin", ({ relatedTarget: left }) => {
      if (left && !opened.contains(left)) before = left;
    });
    opened.focus();
    return () => {
      if (!opened.contains(document.activeElement)) return;
      (before?.isConnected ? before : document.querySelector("main")).focus();
    };
  }, []);
  return element;
}

/** An id for this place of the page, the same at each drawing. */
export function useId(prefix) {
  const id = useRef("");
  if (!id.current) {
    given += 1;
    id.current = `${prefix}-${given}`;
  }
  return id.current;
}
