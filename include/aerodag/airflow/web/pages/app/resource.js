/** Loading, and loading again, without flicker: what was shown stays until the new answer is there. */

import { useCallback, useEffect, useRef, useState } from "../vendor/preact-htm.js";

/**
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {any[]} keys what is loaded; when one changes, the old data is dropped
 * @returns {{data: T | undefined, error: Error | null, loading: boolean, reload: () => Promise<boolean>,
 *            set: (change: (old: T) => T) => void}}
 */
export function useResource(load, keys) {
  const [state, setState] = useState({ data: undefined, error: null, loading: true });
  const latest = useRef(load);
  latest.current = load;
  const running = useRef(null);

  const reload = useCallback(async () => {
    running.current?.abort();
    const control = new AbortController();
    running.current = control;
    setState((old) => ({ ...old, loading: true }));
    try {
      const data = await latest.current(control.signal);
      if (!control.signal.aborted) setState({ data, error: null, loading: false });
      return true;
    } catch (error) {
      if (!control.signal.aborted) setState((old) => ({ ...old, error, loading: false }));
      return false;
    }
  }, []);

  useEffect(() => {
    setState({ data: undefined, error: null, loading: true });
    reload();
    return () => running.current?.abort();
  }, keys);

  const set = useCallback((change) => setState((old) => ({ ...old, data: change(old.data) })), []);
  return { ...state, reload, set };
}

/**
 * Calls `step` every `seconds` while `active` and while somebody looks; slower after failures.
 * @param {() => Promise<unknown>} step a failure is an exception, or the answer false
 */
export function usePolling(step, seconds, active) {
  const latest = useRef(step);
  latest.current = step;
  useEffect(() => {
    if (!active) return undefined;
    let timer = 0;
    let failures = 0;
    let busy = false;
    let stopped = false;
    const next = () => {
      timer = setTimeout(round, seconds * 1000 * Math.min(2 ** failures, 16));
    };
    const round = async () => {
      if (document.hidden || busy) return;
      busy = true;
      try {
        failures = (await latest.current()) === false ? failures + 1 : 0;
      } catch {
        failures += 1;
      }
      busy = false;
      if (!stopped) next();
    };
    const wake = () => {
      clearTimeout(timer);
      round();
    };
    next();
    document.addEventListener("visibilitychange", wake);
    return () => {
      stopped = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", wake);
    };
  }, [seconds, active]);
}

/** The value once it has not changed for `milliseconds`. */
export function useDebounced(value, milliseconds) {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return settled;
}
