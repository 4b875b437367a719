/** Which upload a file of this computer belongs to, so that it goes on after a reload. Kept by the browser. */

const KEY = "aerodag.uploads";
const KEPT = 200;

/** @param {File} file */
function fingerprint(file) {
  return `${file.name} ${file.size} ${file.lastModified}`;
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

function write(known) {
  try {
    localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(Object.entries(known).slice(-KEPT))));
  } catch {
    // A browser that keeps nothing uploads all the same; it only cannot go on after a reload.
  }
}

/** @returns {string | undefined} the id of its upload */
export function recall(file) {
  return read()[fingerprint(file)];
}

export function remember(file, id) {
  write({ ...read(), [fingerprint(file)]: id });
}

export function forget(file) {
  const known = read();
  delete known[fingerprint(file)];
  write(known);
}
