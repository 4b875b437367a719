/** Tries again what passes by, as a broken line or a server that is started anew. */

import { ApiError } from "../api.js";

const TRIES = 8;
const PATIENCE_SECONDS = 120;
const LONGEST_WAIT_SECONDS = 15;
const PASSES_BY = new Set([0, 408, 425, 429, 500, 502, 503, 504]);
// Says nothing against the upload: the network or the server is away, or the server holds on to a line that broke, for
// a minute.
const AWAY = new Set([0, 502, 503, 504]);

/**
 * Ask until there is an answer. What is merely away counts as a failed try only after two minutes.
 * @template T
 * @param {() => Promise<T>} ask has to do no harm when it is done twice
 * @param {AbortSignal} signal
 * @param {(sentence: string | null) => void} onTrouble
 * @returns {Promise<T>}
 * @throws {ApiError} what another try would not cure
 */
export async function patiently(ask, signal, onTrouble) {
  let [failures, counted, since] = [0, 0, 0];
  for (;;) {
    signal.throwIfAborted();
    try {
      const answer = await ask();
      onTrouble(null);
      return answer;
    } catch (error) {
      if (!passesBy(error)) throw error;
      since ||= Date.now();
      failures += 1;
      if (!isAway(error) || Date.now() - since > PATIENCE_SECONDS * 1000) counted += 1;
      if (counted === TRIES) throw error;
      onTrouble(`${error.message} Trying again.`);
      await pause(Math.max(error.retryAfter ?? 0, backOff(failures)), signal);
    }
  }
}

function passesBy(error) {
  return error instanceof ApiError && (error.retryAfter !== undefined || PASSES_BY.has(error.status) || isAway(error));
}

function isAway({ status, code }) {
  return AWAY.has(status) || code === "upload.busy" || code === "upload.completing";
}

/** Seconds; twice as long each time, and not all chunks at once. */
function backOff(failures) {
  return Math.min(LONGEST_WAIT_SECONDS, 2 ** (failures - 1)) * (0.5 + Math.random() / 2);
}

export function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, seconds * 1000);
    signal.addEventListener("abort", abort, { once: true });
  });
}
