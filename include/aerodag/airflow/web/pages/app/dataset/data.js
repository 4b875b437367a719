/** What a dataset's page shows, and how it stays up to date. */

import { useEffect, useRef, useState } from "../../vendor/preact-htm.js";
import { ApiError, get } from "../api.js";
import { isUnderWay } from "../elements/state.js";
import { usePolling, useResource } from "../resource.js";

const POLL_SECONDS = 3;
// Nothing runs; somebody else may start something.
const SETTLED_POLL_SECONDS = 30;
// What was asked of Airflow shows in the ledger a little later.
const EXPECTING_SECONDS = 60;

/** What an answer of 404 means here: nothing, yet. */
export function orNone(asked) {
  return asked.catch((error) => {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  });
}

/**
 * A dataset, and one of its runs: the newest where none is named. What changes is asked for again, often while
 * something runs.
 * @param {number} id @param {string | null} wantedRun Airflow's id
 */
export function useDatasetData(id, wantedRun) {
  const dataset = useResource((signal) => get(`datasets/${id}`, {}, signal), [id]);
  const item = dataset.data;
  const dagRunId = wantedRun ?? item?.dag_run_id ?? null;
  const ofRun = (what) => async (signal) =>
    dagRunId && orNone(get(`runs/${encodeURIComponent(dagRunId)}/${what}`, {}, signal));
  const timeline = useResource(ofRun("timeline"), [dagRunId]);
  const findings = useResource(ofRun("findings"), [dagRunId]);
  const checks = useResource(ofRun("checks"), [dagRunId]);
  const exposures = useResource((signal) => get(`datasets/${id}/exposures`, {}, signal), [id]);
  const [expecting, expect] = useExpectation();

  const busy = expecting || isUnderWay(item?.state);
  const refresh = async () => {
    const failed = [findings, checks, exposures].filter(({ error }) => error);
    return (await Promise.all([dataset, timeline, ...failed].map(({ reload }) => reload()))).every(Boolean);
  };
  usePolling(refresh, busy ? POLL_SECONDS : SETTLED_POLL_SECONDS, Boolean(item));
  useWhenChanged(item && `${item.dag_run_id} ${item.state} ${item.step} ${item.images_used}`, () => {
    findings.reload();
    checks.reload();
    exposures.reload();
  });
  const onChanged = () => {
    expect();
    dataset.reload();
  };
  return { dataset, dagRunId, timeline, findings, checks, exposures, onChanged };
}

/** @returns {[boolean, () => void]} true for a while after the call */
function useExpectation() {
  const [until, setUntil] = useState(0);
  useEffect(() => {
    if (!until) return undefined;
    const timer = setTimeout(() => setUntil(0), until - Date.now());
    return () => clearTimeout(timer);
  }, [until]);
  return [until > 0, () => setUntil(Date.now() + EXPECTING_SECONDS * 1000)];
}

/** Calls `act` when the key is another than before, not for the first one. */
function useWhenChanged(key, act) {
  const before = useRef(null);
  useEffect(() => {
    if (key && before.current && before.current !== key) act();
    before.current = key ?? before.current;
  }, [key]);
}
