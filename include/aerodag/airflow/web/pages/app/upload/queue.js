/** The uploads of this page, one file after the other; they go on while another view is shown. */

import { useEffect, useState } from "../../vendor/preact-htm.js";
import { Transfer } from "./transfer.js";

const TAKEN = /\.(zip|tiff?)$/i;

/** @type {Transfer[]} */
let transfers = [];
let description = {};
const listeners = new Set();
let drawn = 0;

function changed() {
  // Progress comes a hundred times a second; it is drawn four times.
  if (drawn) return;
  drawn = setTimeout(() => {
    drawn = 0;
    listeners.forEach((listener) => listener());
  }, 250);
}

/** The transfers, drawn again as they change. */
export function useTransfers() {
  const [, redraw] = useState(0);
  useEffect(() => {
    const listener = () => redraw((times) => times + 1);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, []);
  return transfers;
}

/**
 * @param {Iterable<File>} files
 * @returns {string[]} a sentence for each that is not taken
 */
export function add(files) {
  const refused = [];
  for (const file of files) {
    if (!TAKEN.test(file.name)) refused.push(`${file.name} is neither a ZIP nor a GeoTIFF.`);
    else if (!file.size) refused.push(`${file.name} is empty.`);
    else if (
      transfers.some(
        (other) => other.file.name === file.name && other.file.size === file.size && other.state !== "done",
      )
    )
      refused.push(`${file.name} is in the list already.`);
    else transfers = [...transfers, fresh(file)];
  }
  changed();
  return refused;
}

function fresh(file) {
  const transfer = new Transfer(file, changed);
  // Where that fails now, it is asked again at the start.
  transfer.findEarlier().catch(() => {});
  return transfer;
}

/** Start all that is ready, with these words about them. */
export function startAll(words) {
  description = words;
  transfers
    .filter(({ state }) => state === "ready")
    .forEach((transfer) => {
      transfer.queued = true;
    });
  next();
}

export function resume(transfer) {
  transfer.queued = true;
  next();
}

/** One at a time: three chunks side by side fill a line. */
async function next() {
  if (transfers.some((transfer) => transfer.isActive)) return;
  const transfer = transfers.find(({ queued }) => queued);
  if (!transfer) return;
  transfer.queued = false;
  await transfer.start(description);
  next();
}

export async function remove(transfer) {
  transfers = transfers.filter((other) => other !== transfer);
  changed();
  await transfer.discard();
  next();
}

/** Take those away that are done. */
export function clear() {
  transfers = transfers.filter(({ state }) => state !== "done");
  changed();
}

addEventListener("beforeunload", (event) => {
  if (transfers.some((transfer) => transfer.isActive)) event.preventDefault();
});
