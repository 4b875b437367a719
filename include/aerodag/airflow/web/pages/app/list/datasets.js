/** The datasets that fit a search, page by page, and what runs among them kept up to date. */

import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "../../vendor/preact-htm.js";
import { get } from "../api.js";
import { isUnderWay } from "../elements/state.js";
import { usePolling } from "../resource.js";

const PAGE = 50;
const POLL_SECONDS = 4;
// What is in the window beyond the first page is asked for one by one; no window shows more.
const ASKED_AT_ONCE = 20;

/** `error` is why no more could be loaded, `stale` why the items are as they were `at` that moment. */
const NOTHING = { items: [], next: null, loading: true, error: null, at: null, stale: null };

/** What was shown when the list was left, and how far it was scrolled; coming back finds it so. */
let left = { key: null, page: NOTHING, scroll: 0 };

function kept(key) {
  return left.key === key && left.page.items.length ? { ...left.page, loading: false, error: null } : null;
}

/** New items before the old ones, each once, as it is now. */
function merged(newest, old) {
  const fresh = new Map(newest.map((item) => [item.id, item]));
  const present = new Set(old.map((item) => item.id));
  return [...newest.filter((item) => !present.has(item.id)), ...old.map((item) => fresh.get(item.id) ?? item)];
}

/** Some of the datasets as they are now, and the ids of those that there are no more. */
async function askedFor(items, signal) {
  const answers = await Promise.allSettled(items.map((item) => get(`datasets/${item.id}`, {}, signal)));
  const lost = answers.find(({ reason }) => reason && reason.status !== 404);
  if (lost) throw lost.reason;
  return {
    asked: answers.filter(({ value }) => value).map(({ value }) => value),
    gone: new Set(items.filter((_, at) => answers[at].reason).map(({ id }) => id)),
  };
}

/**
 * @param {{search: string, state: string}} filter
 * @param {{current: Set<number>}} visible ids of the rows in the window
 */
export function useDatasets(filter, visible) {
  const key = `${filter.search}\n${filter.state}`;
  const [page, setPage] = useState(() => kept(key) ?? NOTHING);
  const control = useRef(null);
  const latest = useRef(page);
  latest.current = page;

  const load = useCallback(
    async (cursor) => {
      const { signal } = control.current;
      setPage((old) => ({ ...old, loading: true, error: null }));
      try {
        const found = await get("datasets", { ...filter, cursor, limit: PAGE }, signal);
        setPage((old) => ({
          items: cursor ? [...old.items, ...found.items] : found.items,
          next: found.next,
          loading: false,
          error: null,
          at: Date.now(),
          stale: null,
        }));
      } catch (error) {
        if (!signal.aborted) setPage((old) => ({ ...old, loading: false, error }));
      }
    },
    [filter.search, filter.state],
  );

  useLayoutEffect(() => {
    if (kept(key)) scrollTo(0, left.scroll);
    return () => {
      left = { key, page: latest.current, scroll: scrollY };
    };
  }, [key]);

  useEffect(() => {
    control.current = new AbortController();
    if (kept(key)) {
      left = { ...left, key: null };
      reload(true);
    } else {
      setPage(NOTHING);
      load(null);
    }
    return () => control.current.abort();
  }, [load]);

  /** The first page, and of the others what is in the window: all of it, or what is under way. */
  const refresh = async (all, signal) => {
    const first = await get("datasets", { ...filter, limit: PAGE }, signal);
    const known = new Set(first.items.map((item) => item.id));
    const others = latest.current.items.filter(
      (item) => (all || isUnderWay(item.state)) && visible.current.has(item.id) && !known.has(item.id),
    );
    const { asked, gone } = await askedFor(others.slice(0, ASKED_AT_ONCE), signal);
    const stay = (items) => items.filter((item) => !gone.has(item.id));
    setPage((old) => ({
      ...old,
      items: merged(first.items, merged(asked, stay(old.items))),
      at: Date.now(),
      stale: null,
    }));
  };
  const reload = async (all) => {
    const { signal } = control.current;
    try {
      await refresh(all, signal);
      return true;
    } catch (error) {
      if (!signal.aborted) setPage((old) => ({ ...old, stale: error }));
      return false;
    }
  };

  const runs = page.items.some((item) => isUnderWay(item.state) && visible.current.has(item.id));
  usePolling(() => reload(Boolean(page.stale)), POLL_SECONDS, runs || Boolean(page.stale));
  return {
    ...page,
    more: () => page.next && !page.loading && load(page.next),
    retry: () => load(page.items.length ? page.next : null),
    reload: () => reload(true),
  };
}
