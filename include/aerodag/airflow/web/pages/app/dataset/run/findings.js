/** What the run found and what to do about it, and how it fared in the quality checks. */

import { html } from "../../../vendor/preact-htm.js";
import { count } from "../../amounts.js";
import { Icon } from "../../elements/icons.js";
import { Empty, ErrorNote, Skeleton } from "../../elements/notice.js";
import { baseName } from "../../words.js";
import { Checks } from "./checks.js";
import { ReportButton } from "./report.js";

const SEVERITIES = ["error", "degraded", "warning", "info"];
const SHOWN = 40;

/** Findings of one code and severity together, the grave ones first. */
function grouped(findings) {
  const groups = new Map();
  for (const finding of findings) {
    const key = `${finding.severity} ${finding.code}`;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(finding);
  }
  return [...groups.values()].sort(
    (one, other) => SEVERITIES.indexOf(one[0].severity) - SEVERITIES.indexOf(other[0].severity),
  );
}

export function Findings({ run, dagRunId, findings, checks, images, select }) {
  if (findings.error && !findings.data)
    return html`<${ErrorNote} error=${findings.error} onRetry=${findings.reload} />`;
  if (findings.loading && !findings.data) return html`<${Skeleton} lines=${6} />`;
  const groups = grouped(findings.data ?? []);
  const choose = (name) => select(images.find(({ properties }) => properties.name === name)?.properties.id ?? null);
  return html`${run?.has_report && html`<div class="buttons"><${ReportButton} dagRunId=${dagRunId} /></div>`}
    ${
      groups.length
        ? html`<ul class="findings">${groups.map((group) => html`<${Group} key=${group[0].severity + group[0].code}
          group=${group} onImage=${choose} />`)}</ul>`
        : html`<${Empty} title="Nothing was found.">Neither the upload nor the result gave reason for a remark.<//>`
    }
    <${Checks} checks=${checks} />`;
}

function Group({ group, onImage }) {
  const [first] = group;
  const images = group.filter(({ image }) => image);
  const same = group.every(({ message }) => message === first.message);
  return html`<li class="finding" data-tone=${first.severity}>
    <${Icon} name=${first.severity === "info" ? "info" : "warning"} />
    <div class="grow">
      <p><strong>${same ? first.message : `${count(group.length)} times, for example: ${first.message}`}</strong></p>
      ${first.advice && html`<p>${first.advice}</p>`}
      <p class="muted"><code>${first.code}</code> ${first.severity}</p>
      ${
        images.length > 0 &&
        html`<details><summary>${count(images.length)} ${images.length === 1 ? "image" : "images"}</summary>
        <ul class="named">${images.slice(0, SHOWN).map((finding) => html`<li key=${finding.image}>
          <button type="button" class="plain link" title=${finding.message} onClick=${() => onImage(finding.image)}>
            ${baseName(finding.image)}</button></li>`)}
        ${images.length > SHOWN && html`<li class="muted">and ${count(images.length - SHOWN)} more; see Images</li>`}
          </ul></details>`
      }
    </div>
  </li>`;
}
