/** Which images the next run is to leave out, or to use although a check left them out. */

import { useMemo, useState } from "../../vendor/preact-htm.js";

/** Whether the last run took the image. */
export function isUsed(image) {
  return image.properties.status === "assigned";
}

export const ONLY_OUT = "The open review can leave images out; taking one in is for the next run.";

/** Whether the image can be ticked now, or its tick be taken back. */
export function mayToggle(item, image, choice) {
  return isUsed(image) || !item.waits_for_review || choice.has(image.properties.name);
}

/**
 * @param {number} id another dataset has another choice
 * @returns {{exclude: string[], include: string[], size: number, has: (path: string) => boolean,
 *            toggle: (image: object) => void, clear: () => void, clearExcluded: () => void}} paths inside of the upload
 */
export function useChoice(id) {
  const [chosen, setChosen] = useState(() => new Map());
  return useMemo(() => {
    const paths = (wanted) => [...chosen].filter(([, used]) => used === wanted).map(([path]) => path);
    return {
      exclude: paths(true),
      include: paths(false),
      size: chosen.size,
      has: (path) => chosen.has(path),
      toggle: (image) =>
        setChosen((old) => {
          const next = new Map(old);
          if (!next.delete(image.properties.name)) next.set(image.properties.name, isUsed(image));
          return next;
        }),
      clear: () => setChosen(new Map()),
      clearExcluded: () => setChosen((old) => new Map([...old].filter(([, used]) => !used))),
    };
  }, [chosen, id]);
}
