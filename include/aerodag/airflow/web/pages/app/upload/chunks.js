/** Sends one piece of a file, with its checksum, until the server has it. */

import { ApiError, apiUrl } from "../api.js";
import { patiently } from "./patience.js";

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
  const send = async () => {
    try {
      await put(url, body, digest, signal, onSent);
    } catch (error) {
      onSent(0);
      throw error;
    }
  };
  await patiently(send, signal, onTrouble);
}

/**
 * Makes sure that a chunk which the server has is this one, without sending it: the server compares the checksum before
 * it misses the body.
 * @throws {ApiError} `upload.chunk_differs` where it is another one
 */
export async function compareChunk({ url, content, signal, onTrouble }) {
  const digest = await contentDigest(await bytesOf(content));
  try {
    await patiently(() => put(url, new ArrayBuffer(0), digest, signal, () => {}), signal, onTrouble);
  } catch (error) {
    if (error.code !== "upload.chunk_size") throw error;
  }
}

async function bytesOf(content) {
  try {
    return await content.arrayBuffer();
  } catch {
    throw new ApiError(-1, "The file cannot be read any more. Was it changed, moved or deleted? Choose it again.");
  }
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
