/** Leads from a run, as Airflow links it, to its dataset. */

import { html, useEffect } from "../../vendor/preact-htm.js";
import { get } from "../api.js";
import { Empty, ErrorNote, Skeleton } from "../elements/notice.js";
import { usePolling, useResource } from "../resource.js";
import { go, hashOf } from "../router.js";

const POLL_SECONDS = 3;

export function RunPlace({ dagRunId }) {
  const run = useResource((signal) => get(`runs/${encodeURIComponent(dagRunId)}`, {}, signal), [dagRunId]);
  const waits = run.error?.status === 404 || (run.data && run.data.dataset_id === null && !run.data.ended);
  usePolling(run.reload, POLL_SECONDS, Boolean(waits));
  useEffect(() => {
    if (run.data?.dataset_id) go(hashOf(`${run.data.dataset_id}/progress`, { run: dagRunId }), { replace: true });
  }, [run.data]);
  if (waits)
    return html`<${Empty} title="This run has no dataset yet.">
      It gets one with its first step; this page follows by itself. <a href="#/">All datasets</a>
    <//>`;
  if (run.error) return html`<${ErrorNote} error=${run.error} onRetry=${run.reload} />`;
  if (run.data?.ended && run.data.dataset_id === null) {
    return html`<${Empty} title="This run ended without a dataset.">
      ${run.data.message} ${run.data.advice} <a href="#/">All datasets</a><//>`;
  }
  return html`<${Skeleton} lines=${6} />`;
}
