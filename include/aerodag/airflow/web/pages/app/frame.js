/** Where this page lies: by itself, or in a frame of the Airflow UI, which bars links out of the frame. */

import { airflowPath } from "./airflow.js";

/** The window of the Airflow UI around this page, null where there is none. */
export function airflowWindow() {
  try {
    return window.parent !== window && window.parent.document ? window.parent : null;
  } catch {
    return null;
  }
}

/** Where Airflow shows a run. */
export function runPath(dagRunId) {
  return airflowPath(`dags/process_dataset/runs/${encodeURIComponent(dagRunId)}`);
}

/** Where Airflow shows a task of a run, with its log. */
export function taskPath(dagRunId, task) {
  return `${runPath(dagRunId)}/tasks/${encodeURIComponent(task)}`;
}

/**
 * For the click on a link to Airflow or elsewhere. The frame's sandbox forbids `target=_top` and new windows; a link in
 * the document around it may do both.
 * @param {MouseEvent} event
 */
export function followOutside(event) {
  const host = airflowWindow();
  if (!host || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const link = host.document.createElement("a");
  const { href, rel, target } = event.currentTarget;
  Object.assign(link, { href, rel, target });
  host.document.body.append(link);
  link.click();
  link.remove();
}

/** Let the address of the Airflow UI tell what the frame shows, so that it can be reloaded and shared. */
export function shareAddress() {
  const host = airflowWindow();
  const plugins = airflowPath("plugin/");
  if (!host?.location.pathname.startsWith(plugins)) return;
  const [view] = host.location.pathname.slice(plugins.length).split("/");
  const address = `${plugins}${view}${location.pathname}${location.search}${location.hash}`;
  host.history.replaceState(host.history.state, "", address);
}
