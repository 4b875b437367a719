/** Figures of the run against their thresholds. */

import { html } from "../../../vendor/preact-htm.js";
import { measured } from "../../amounts.js";
import { Icon } from "../../elements/icons.js";
import { ErrorNote } from "../../elements/notice.js";

const TOPICS = { gps: "GPS", rtk: "RTK" };
const VERDICTS = {
  pass: ["succeeded", "check", "passed"],
  warn: ["degraded", "warning", "warns"],
  fail: ["failed", "warning", "failed"],
  unknown: ["none", "info", "unknown"],
};

function wanted({ comparison, threshold, upper_threshold: upper, unit }) {
  const limit = measured(threshold, unit);
  if (comparison === "between") return `${limit} to ${measured(upper, unit)}`;
  return `${{ at_least: "≥ ", at_most: "≤ ", equal: "= " }[comparison] ?? ""}${limit}`;
}

export function Checks({ checks }) {
  if (checks.error && !checks.data) return html`<${ErrorNote} error=${checks.error} onRetry=${checks.reload} />`;
  const found = checks.data ?? [];
  if (!found.length) return null;
  const groups = Map.groupBy ? Map.groupBy(found, (check) => check.group) : grouped(found);
  return html`<h3>Quality checks</h3>
    <table class="checks"><thead><tr><th scope="col">Check</th><th scope="col">Value</th><th scope="col">Wanted</th>
      <th scope="col">Verdict</th></tr></thead>
      ${[...groups].map(([name, entries]) => html`<tbody key=${name}><tr><th colspan="4" scope="rowgroup">${TOPICS[name] ?? name}</th>
        </tr>${entries.map((check) => html`<${Check} key=${check.name} check=${check} />`)}</tbody>`)}
    </table>`;
}

function grouped(checks) {
  const groups = new Map();
  for (const check of checks) groups.set(check.group, [...(groups.get(check.group) ?? []), check]);
  return groups;
}

function Check({ check }) {
  const [tone, icon, verdict] = VERDICTS[check.verdict] ?? VERDICTS.unknown;
  return html`<tr title=${check.description}>
    <td>${check.title ?? check.name}${check.reason && html`<small class="muted">${check.reason}</small>`}</td>
    <td class="number">${measured(check.value, check.unit)}</td><td class="number">${wanted(check)}</td>
    <td><span class="badge" data-tone=${tone}><${Icon} name=${icon} />${verdict}</span></td>
  </tr>`;
}
