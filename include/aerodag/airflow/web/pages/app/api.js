/** Asks Aerodag's API; every failure becomes a sentence for a person. */

const BASE = new URL("../../api/", import.meta.url);

/** A refusal or a failure. `status` is 0 where no answer came. */
export class ApiError extends Error {
  /** @param {number} status @param {string} message @param {number} [retryAfter] seconds */
  constructor(status, message, retryAfter) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
    // Aerodag's own refusals begin with their code: `[upload.busy] This chunk is ...`.
    this.code = /^\[([a-z0-9_.]+)\]/.exec(message)?.[1] ?? null;
  }
}

/** Address of a path of the API, `datasets/17` say. Undefined and null parameters are left out. */
export function apiUrl(path, params = {}) {
  const url = new URL(path, BASE);
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, String(value));
  }
  return url;
}

/** @returns {Promise<any>} the decoded answer; null of an empty one */
export async function get(path, params, signal) {
  return answerOf(await request(apiUrl(path, params), { signal }));
}

/** A change; `body` is sent as JSON. */
export async function send(method, path, body, signal) {
  return answerOf(await request(apiUrl(path), json(method, body, signal)));
}

/** @returns {RequestInit} */
export function json(method, body, signal) {
  if (body === undefined) return { method, signal };
  return { method, signal, body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
}

/**
 * An answer with a good status; all others are thrown as ApiError.
 * @param {URL | string} url @param {RequestInit} options
 */
export async function request(url, options = {}) {
  let response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...options });
  } catch (problem) {
    if (problem.name === "AbortError") throw problem;
    throw new ApiError(0, "The server does not answer. Is the network there?");
  }
  if (response.ok) return response;
  throw new ApiError(
    response.status,
    await sentenceOf(response),
    Number(response.headers.get("Retry-After")) || undefined,
  );
}

/** @param {Response} response */
export async function answerOf(response) {
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

/** @param {Response} response */
async function sentenceOf(response) {
  const told = detailOf(await response.text());
  if (response.status === 401) return "You are not logged in any more.";
  if (told) return told;
  if (response.status === 403) return "You may not do this.";
  if (response.status === 404) return "There is nothing here.";
  if (response.status === 413) return "That is more than the server takes.";
  return `The server answered ${response.status}${response.statusText ? ` (${response.statusText})` : ""}.`;
}

function detailOf(text) {
  try {
    const { detail } = JSON.parse(text);
    if (typeof detail === "string") return detail;
    if (Array.isArray(detail)) return detail.map(fieldProblem).join(" ");
    if (detail && typeof detail === "object") return detail.message ?? detail.reason ?? "";
    return "";
  } catch {
    return "";
  }
}

/** One entry of FastAPI's 422. */
function fieldProblem({ loc = [], msg = "" }) {
  const field = loc.filter((part) => part !== "body").join(".");
  return field ? `${field}: ${msg}.` : `${msg}.`;
}
