/** What the page does to runs, by Airflow's own REST API and thus with Airflow's own permissions. */

import { ApiError, answerOf, json, request } from "./api.js";

const ROOT = new URL("../../../", import.meta.url);
const DAG = "api/v2/dags/process_dataset";
const ENDED = new Set(["success", "failed"]);
const ENDS_WITHIN_MS = 60_000;

/** Path of a page of the Airflow UI. */
export function airflowPath(path) {
  return new URL(path, ROOT).pathname;
}

/** Address of the login, which leads back to here. */
export function loginUrl() {
  const url = new URL("auth/login", ROOT);
  url.searchParams.set("next", location.href);
  return url.href;
}

async function call(method, path, body) {
  return answerOf(await request(new URL(path, ROOT), json(method, body)));
}

function runUrl(dagRunId) {
  return `${DAG}/dagRuns/${encodeURIComponent(dagRunId)}`;
}

/**
 * What a run may ask for: the params of the DAG with their JSON schema.
 * @returns {Promise<Record<string, {value: any, description: string | null, schema: any}>>}
 */
export async function runParams() {
  return (await call("GET", `${DAG}/details`)).params ?? {};
}

/** Start a run; `conf` holds the params that differ from their defaults. */
export async function trigger(conf) {
  return call("POST", `${DAG}/dagRuns`, { logical_date: null, conf });
}

/** Run a step of a run that is over again, and all after it. */
export async function retryFrom(dagRunId, step) {
  await ended(dagRunId);
  return call("POST", `${DAG}/clearTaskInstances`, {
    dry_run: false,
    dag_run_id: dagRunId,
    task_ids: [step],
    only_failed: false,
    include_downstream: true,
    reset_dag_runs: true,
  });
}

/** Its last task tidies up after all is over; what is cleared while Airflow ends the run would never run. */
async function ended(dagRunId) {
  const until = Date.now() + ENDS_WITHIN_MS;
  while (Date.now() < until) {
    if (ENDED.has((await call("GET", runUrl(dagRunId))).state)) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

export async function cancel(dagRunId) {
  return call("PATCH", runUrl(dagRunId), { state: "failed" });
}

/** What Airflow asks a person; null where it does not (any more). */
export async function openQuestion(dagRunId) {
  try {
    const question = await call("GET", `${runUrl(dagRunId)}/taskInstances/review/-1/hitlDetails`);
    return question.response_received ? null : question;
  } catch (problem) {
    if (problem instanceof ApiError && problem.status === 404) return null;
    throw problem;
  }
}

/** @param {string} option one of the question's @param {Record<string, any>} fields by the question's params */
export async function answerQuestion(dagRunId, option, fields) {
  return call("PATCH", `${runUrl(dagRunId)}/taskInstances/review/-1/hitlDetails`, {
    chosen_options: [option],
    params_input: fields,
  });
}
