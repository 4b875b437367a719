/** One file on its way to the server; goes on where it was after a pause, a failure or a reload. */

import { get, send } from "../api.js";
import { compareChunk, sendChunk } from "./chunks.js";
import { forget, recall, remember } from "./memory.js";
import { patiently, pause } from "./patience.js";

const AT_ONCE = 3;
const SPEED_SECONDS = 12;
const REGISTERED_WITHIN_SECONDS = 300;

/**
 * `state` is ready, starting, comparing, sending, paused, checking, registering, done or failed; `sent` counts bytes,
 * `sentence` tells of trouble or of the end.
 */
export class Transfer {
  /** @param {File} file @param {() => void} changed called at each change */
  constructor(file, changed) {
    this.file = file;
    this.changed = changed;
    this.state = "ready";
    this.sentence = null;
    this.upload = null;
    this.search = null;
    this.unproven = false;
    this.datasetId = null;
    this.done = new Set();
    this.flying = new Map();
    this.samples = [];
  }

  get isActive() {
    return ["starting", "comparing", "sending", "checking", "registering"].includes(this.state);
  }

  /** Bytes that are at the server or on their way. */
  get sent() {
    if (!this.upload) return 0;
    let bytes = 0;
    for (const index of this.done) bytes += this.sizeOf(index);
    for (const part of this.flying.values()) bytes += part;
    return Math.min(bytes, this.file.size);
  }

  /** Bytes a second over the last seconds; null while unknown. */
  get speed() {
    const [first, last] = [this.samples[0], this.samples[this.samples.length - 1]];
    if (!first || last.at - first.at < 1000) return null;
    return Math.max(0, ((last.sent - first.sent) * 1000) / (last.at - first.at));
  }

  /** Seconds until all is sent; null while unknown. */
  get remaining() {
    return this.speed ? (this.file.size - this.sent) / this.speed : null;
  }

  sizeOf(index) {
    const { chunk_bytes: size } = this.upload;
    return Math.min(size, this.file.size - index * size);
  }

  /** An upload of this file that was begun before, by a page that was closed since or in another browser. */
  findEarlier() {
    this.search ??= this.lookUp().catch((error) => {
      this.search = null;
      throw error;
    });
    return this.search;
  }

  async lookUp() {
    const recalled = await this.recalled();
    const upload = recalled ?? (await this.namesake());
    if (upload) this.adopt(upload);
    this.unproven = Boolean(upload && !recalled);
    this.changed();
  }

  async recalled() {
    const id = recall(this.file);
    if (!id) return null;
    const upload = await get(`uploads/${id}`).catch((error) => {
      if (isGone(error)) return null;
      throw error;
    });
    if (upload && upload.state !== "expired" && upload.size_bytes === this.file.size) return upload;
    forget(this.file);
    return null;
  }

  async namesake() {
    const { name, size } = this.file;
    return (await get("uploads")).findLast((upload) => upload.name === name && upload.size_bytes === size);
  }

  adopt(upload) {
    this.upload = upload;
    this.done = new Set(upload.chunks_received);
  }

  /** Know nothing more of what the server has. */
  leave() {
    this.upload = null;
    this.search = null;
    this.unproven = false;
    this.done.clear();
  }

  /** @param {object} description the fields of the form, for an upload that was not begun yet */
  async start(description) {
    if (this.isActive || this.state === "done") return;
    this.control = new AbortController();
    this.become("starting", null);
    try {
      if (!this.upload) await this.findEarlier();
      await this.bring(description);
      await this.finish();
    } catch (error) {
      this.stopped(error);
    }
  }

  /** Goes on with what is there, or from the beginning where that turns out to be of another file. */
  async bring(description) {
    if (this.upload) {
      try {
        await this.compare();
        await this.sendAll();
        return;
      } catch (error) {
        if (error.code !== "upload.chunk_differs") throw error;
        this.leave();
        this.control = new AbortController();
      }
    }
    await this.begin(description);
    await this.sendAll();
  }

  async begin(description) {
    const wish = { ...description, name: this.file.name, size_bytes: this.file.size };
    this.adopt(await send("POST", "uploads", wish, this.control.signal));
    remember(this.file, this.upload.id);
  }

  /** The same name and size are no proof that it is the same file. */
  async compare() {
    if (!this.unproven) return;
    this.become("comparing", null);
    for (const index of this.done) await compareChunk(this.chunk(index));
    this.unproven = false;
    remember(this.file, this.upload.id);
  }

  async sendAll() {
    if (this.upload.state === "complete") return;
    this.become("sending", null);
    this.samples = [];
    this.pending = Array.from({ length: this.upload.chunks_total }, (_, index) => index).filter(
      (index) => !this.done.has(index),
    );
    const senders = Array.from({ length: AT_ONCE }, () => this.sendPending());
    try {
      await Promise.all(senders);
    } catch (error) {
      this.control.abort(error);
      await Promise.allSettled(senders);
      throw error;
    }
  }

  /** What is asked for a chunk with. */
  chunk(index) {
    const start = index * this.upload.chunk_bytes;
    return {
      url: `uploads/${this.upload.id}/chunks/${index}`,
      content: this.file.slice(start, start + this.sizeOf(index)),
      signal: this.control.signal,
      onTrouble: (sentence) => this.troubled(sentence),
    };
  }

  async sendPending() {
    while (this.pending.length) {
      const index = this.pending.shift();
      await sendChunk({ ...this.chunk(index), onSent: (bytes) => this.progressed(index, bytes) });
      this.flying.delete(index);
      this.done.add(index);
      this.progressed(null, 0);
    }
  }

  progressed(index, bytes) {
    if (index !== null) this.flying.set(index, bytes);
    const now = Date.now();
    this.samples = [...this.samples.filter(({ at }) => now - at < SPEED_SECONDS * 1000), { at: now, sent: this.sent }];
    this.changed();
  }

  async finish() {
    const [{ id }, { signal }] = [this.upload, this.control];
    const ask = (request) => patiently(request, signal, (sentence) => this.troubled(sentence));
    this.become("checking", null);
    this.upload = await ask(() => send("POST", `uploads/${id}/complete`, undefined, signal));
    this.become("registering", null);
    const until = Date.now() + REGISTERED_WITHIN_SECONDS * 1000;
    while (this.upload.dataset_id === null && !this.upload.message && Date.now() < until) {
      await pause(1, signal);
      this.upload = await ask(() => get(`uploads/${id}`, {}, signal));
    }
    forget(this.file);
    this.datasetId = this.upload.dataset_id;
    if (this.datasetId === null)
      this.become(
        "failed",
        this.upload.message ?? "It is complete, and was not registered yet. It will appear in the list.",
      );
    else this.become("done", this.upload.message);
  }

  pause() {
    if (this.state !== "sending") return;
    this.become("paused", null);
    this.control.abort(new DOMException("paused", "AbortError"));
  }

  /** Give it up; what the server has of it is removed, unless it may be of another file. */
  async discard() {
    this.control?.abort(new DOMException("given up", "AbortError"));
    forget(this.file);
    if (this.upload?.state === "open" && !this.unproven)
      await send("DELETE", `uploads/${this.upload.id}`).catch(() => {});
  }

  stopped(error) {
    this.flying.clear();
    if (error.name === "AbortError") return this.changed();
    if (isGone(error)) forget(this.file);
    // It is in another state than was thought here; the next start asks in which.
    if (isGone(error) || error.status === 409) this.leave();
    return this.become("failed", error.message);
  }

  troubled(sentence) {
    if (sentence !== this.sentence) this.become(this.state, sentence);
  }

  become(state, sentence) {
    this.state = state;
    this.sentence = sentence;
    this.changed();
  }
}

/** Whether the server does not know the upload any more. */
function isGone({ status }) {
  return status === 404 || status === 410;
}
