/** Sends one piece of a file, with its checksum, until the server has it. */

import { ApiError, apiUrl } from "../api.js";

const TRIES = 8;
const LONGEST_WAIT_SECONDS = 30;
const PASSES_BY = new Set([0, 408, 425, 429, 500, 502, 503, 504]);

/** Whether the browser can compute checksums here; it does so on HTTPS and on localhost alone. */
export function canDigest() {
  return Boolean(globalThis.crypto?.subtle);
}

/** The header of RFC 9530. @param {ArrayBuffer} content */
async function contentDigest(content) {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return `sha-256=:${btoa(String.fromCharCode(...hash))}:`;
}

/**
 * @param {{url: string, content: Blob, signal: AbortSignal, onSent: (bytes: number) => void,
 *   onTrouble: (sentence: string | null) => void}} chunk
 * @throws {ApiError} what another try would not cure
 */
export async function sendChunk({ url, content, signal, onSent, onTrouble }) {
  const body = await bytesOf(content);
  const digest = await contentDigest(body);
  for (let tried = 1; ; tried += 1) {
    signal.throwIfAborted();
    try {
      await put(url, body, digest, signal, onSent);
      onTrouble(null);
      return;
    } catch (error) {
      onSent(0);
      if (tried === TRIES || !passesBy(error)) throw error;
      onTrouble(`${error.message} Trying again.`);
      await pause(error.retryAfter ?? backOff(tried), signal);
    }
  }
}

function passesBy(error) {
  return error instanceof ApiError && (error.retryAfter !== undefined || PASSES_BY.has(error.status));
}

async function bytesOf(content) {
  try {
    return await content.arrayBuffer();
  } catch {
    throw new ApiError(-1, "The file cannot be read any more. Was it changed, moved or deleted? Choose it again.");
  }
}

/** Seconds; twice as long each time, and not all chunks at once. */
function backOff(tried) {
  return Math.min(LONGEST_WAIT_SECONDS, 2 ** (tried - 1)) * (0.5 + Math.random() / 2);
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        reject(signal.reason);
      },
      { once: true },
    );
  });
}

/** XMLHttpRequest, since fetch does not tell how much was sent. */
function put(url, body, digest, signal, onSent) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    const ended = (act) => () => {
      signal.removeEventListener("abort", abort);
      act();
    };
    request.open("PUT", apiUrl(url));
    request.setRequestHeader("Content-Digest", digest);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => onSent(event.loaded);
    request.onload = ended(() =>
      request.status >= 200 && request.status < 300 ? resolve() : reject(refusal(request)),
    );
    request.onerror = ended(() => reject(new ApiError(0, "The connection to the server broke off.")));
    request.onabort = ended(() => reject(signal.reason));
    signal.addEventListener("abort", abort, { once: true });
    request.send(body);
  });
}

/** @param {XMLHttpRequest} request */
function refusal(request) {
  let sentence = `The server answered ${request.status}.`;
  try {
    const { detail } = JSON.parse(request.responseText);
    if (typeof detail === "string") sentence = detail;
  } catch {
    // Not every proxy answers in JSON.
  }
  return new ApiError(request.status, sentence, Number(request.getResponseHeader("Retry-After")) || undefined);
}
