/** What an exposure is coloured by: what became of it, or how well it was positioned. */

import { imageStatus, rtkTitle } from "../../words.js";

/** Classes by status, as in the legend. `unregistered` images took part, and the engine could not place them. */
export const CLASSES = ["assigned", "unregistered", "rejected", "duplicate", "unmatched", "invalid_exif", "staged"];
export const RTK_CLASSES = ["fix", "float", "single", "none", "unknown"];

export function classOf({ properties }) {
  return properties.status === "assigned" && properties.registered === false ? "unregistered" : properties.status;
}

export function rtkClassOf({ properties }) {
  return properties.rtk ?? "unknown";
}

/** Whether it is known that nobody knows where it was taken. */
export function isNowhere({ geometry, properties }) {
  return !geometry && properties.status !== "staged";
}

export function classTitle(name) {
  return name === "unregistered" ? "not in the reconstruction" : imageStatus(name);
}

/** The two ways to colour. */
export const COLOURINGS = {
  status: { title: "Status", classes: CLASSES, of: classOf, name: classTitle },
  rtk: {
    title: "RTK",
    classes: RTK_CLASSES,
    of: rtkClassOf,
    name: (name) => rtkTitle(name === "unknown" ? null : name),
  },
};
