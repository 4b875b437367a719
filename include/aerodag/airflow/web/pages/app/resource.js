/** Loading, and loading again, without flicker: what was shown stays until the new answer is there. */

import { useCallback, useEffect, useRef, useState } from "../vendor/preact-htm.js";

const NOTHING = { data: undefined, at: null, error: null, loading: true };
// However often it failed, somebody who looks hears within a minute that it works again.
const LONGEST_WAIT_SECONDS = 60;

/**
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {any[]} keys what is loaded; when one changes, the old data is dropped
 * @returns {{data: T | undefined, at: number | null, error: Error | null, loading: boolean,
 *            reload: () => Promise<boolean>}} `data` is as it was `at` that moment; an `error` leaves it as it is
 */
export function useResource(load, keys) {
  const [state, setState] = useState(NOTHING);
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
      if (!control.signal.aborted) setState({ data, at: Date.now(), error: null, loading: false });
      return true;
    } catch (error) {
      if (!control.signal.aborted) setState((old) => ({ ...old, error, loading: false }));
      return false;
    }
  }, []);

  useEffect(() => {
    setState(NOTHING);
    reload();
    return () => running.current?.abort();
  }, keys);

  return { ...state, reload };
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
      timer = setTimeout(round, 1000 * Math.min(seconds * 2 ** failures, Math.max(seconds, LONGEST_WAIT_SECONDS)));
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
