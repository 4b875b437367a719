/** One file on its way to the server; goes on where it was after a pause, a failure or a reload. */

import { ApiError, get, send } from "../api.js";
import { sendChunk } from "./chunks.js";
import { forget, recall, remember } from "./memory.js";

const AT_ONCE = 3;
const SPEED_SECONDS = 12;
const REGISTERED_WITHIN_SECONDS = 300;

/**
 * `state` is ready, starting, sending, paused, checking, registering, done or failed; `sent` counts bytes, `sentence`
 * tells of trouble or of the end.
 */
export class Transfer {
  /** @param {File} file @param {() => void} changed called at each change */
  constructor(file, changed) {
    this.file = file;
    this.changed = changed;
    this.state = "ready";
    this.sentence = null;
    this.upload = null;
    this.datasetId = null;
    this.done = new Set();
    this.flying = new Map();
    this.samples = [];
  }

  get isActive() {
    return ["starting", "sending", "checking", "registering"].includes(this.state);
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

  /** An upload of this very file that was begun before, also by a page that was closed since. */
  async findEarlier() {
    const id = recall(this.file);
    if (!id) return;
    try {
      const upload = await get(`uploads/${id}`);
      if (upload.state === "expired" || upload.size_bytes !== this.file.size) forget(this.file);
      else this.adopt(upload);
    } catch {
      forget(this.file);
    }
    this.changed();
  }

  adopt(upload) {
    this.upload = upload;
    this.done = new Set(upload.chunks_received);
  }

  /** @param {object} description the fields of the form, for an upload that was not begun yet */
  async start(description) {
    if (this.isActive || this.state === "done") return;
    this.control = new AbortController();
    this.become("starting", null);
    try {
      if (!this.upload) {
        this.adopt(
          await send(
            "POST",
            "uploads",
            { ...description, name: this.file.name, size_bytes: this.file.size },
            this.control.signal,
          ),
        );
        remember(this.file, this.upload.id);
      }
      await this.sendAll();
      await this.finish();
    } catch (error) {
      this.stopped(error);
    }
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

  async sendPending() {
    while (this.pending.length) {
      const index = this.pending.shift();
      const start = index * this.upload.chunk_bytes;
      await sendChunk({
        url: `uploads/${this.upload.id}/chunks/${index}`,
        content: this.file.slice(start, start + this.sizeOf(index)),
        signal: this.control.signal,
        onSent: (bytes) => this.progressed(index, bytes),
        onTrouble: (sentence) => sentence !== this.sentence && this.become(this.state, sentence),
      });
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
    this.become("checking", null);
    this.upload = await send("POST", `uploads/${this.upload.id}/complete`, undefined, this.control.signal);
    this.become("registering", null);
    const until = Date.now() + REGISTERED_WITHIN_SECONDS * 1000;
    while (this.upload.dataset_id === null && !this.upload.message && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      this.upload = await get(`uploads/${this.upload.id}`, {}, this.control.signal);
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

  /** Give it up; what the server has of it is removed. */
  async discard() {
    this.control?.abort(new DOMException("given up", "AbortError"));
    forget(this.file);
    if (this.upload && this.upload.state === "open") await send("DELETE", `uploads/${this.upload.id}`).catch(() => {});
  }

  stopped(error) {
    this.flying.clear();
    if (error.name === "AbortError") return this.changed();
    // An upload that the server does not know any more begins anew.
    if (error instanceof ApiError && (error.status === 404 || error.status === 410)) {
      forget(this.file);
      this.upload = null;
      this.done.clear();
    }
    return this.become("failed", error.message);
  }

  become(state, sentence) {
    this.state = state;
    this.sentence = sentence;
    this.changed();
  }
}
