/** How the installation fares: counts, success, throughput. */

import { html } from "../../vendor/preact-htm.js";
import { area, count, counted, share } from "../amounts.js";
import { ErrorNote } from "../elements/notice.js";
import { relative, useNow, utcDay } from "../time.js";

function Figure({ title, children, note }) {
  return html`<div class="figure"><dt>${title}</dt><dd>${children}${note && html`<small>${note}</small>`}</dd></div>`;
}

export function Figures({ statistics, error, onRetry }) {
  const now = useNow();
  if (error && !statistics) return html`<${ErrorNote} error=${error} onRetry=${onRetry} />`;
  const told = statistics ?? {};
  const waiting = told.waiting_oldest_at
    ? `oldest waits since ${relative(told.waiting_oldest_at, now)}`
    : "nothing waits";
  return html`<dl class=${`figures ${statistics ? "" : "ghostly"}`}>
    <${Figure} title="Datasets" note=${statistics && waiting}>${count(told.datasets)}<//>
    <${Figure} title="Images">${count(told.images)}<//>
    <${Figure} title="Mapped">${area(told.area_m2)}<//>
    <${Figure} title="Runs that succeeded" note=${statistics && `in 7 days; ${share(told.success_rate_30d)} in 30`}>
      ${share(told.success_rate_7d)}<//>
    <div class="figure wide"><dt>Finished a day, 30 days</dt><dd><${Throughput} days=${told.datasets_per_day ?? []} />
      </dd></div>
  </dl>`;
}

const WIDTH = 180;
const HEIGHT = 34;

/** Bars of what was finished, a line of what was uploaded. */
function Throughput({ days }) {
  if (!days.length) return html`<svg class="throughput" viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" />`;
  const most = Math.max(1, ...days.map((one) => Math.max(one.uploaded, one.finished)));
  const step = WIDTH / days.length;
  const height = (number) => (number / most) * (HEIGHT - 2);
  const finished = days.reduce((sum, one) => sum + one.finished, 0);
  const uploaded = days.reduce((sum, one) => sum + one.uploaded, 0);
  const line = days.map(
    (one, at) => `${((at + 0.5) * step).toFixed(1)},${(HEIGHT - 1 - height(one.uploaded)).toFixed(1)}`,
  );
  return html`<svg class="throughput" viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} role="img"
    aria-label=${`${counted(finished, "dataset")} finished and ${count(uploaded)} uploaded in ${days.length} days`}>
    ${days.map(
      (one, at) => html`<g key=${one.day}>
      <title>${utcDay(one.day)}: ${count(one.uploaded)} uploaded, ${count(one.finished)} finished</title>
      <rect class="hit" x=${at * step} y="0" width=${step} height=${HEIGHT} />
      <rect class="bar" x=${at * step + step * 0.15} y=${HEIGHT - 1 - height(one.finished)} width=${step * 0.7}
        height=${Math.max(height(one.finished), one.finished ? 1 : 0)} rx="1" />
    </g>`,
    )}
    <polyline points=${line.join(" ")} />
    <path class="ground" d=${`M0 ${HEIGHT - 0.5}H${WIDTH}`} />
  </svg>`;
}
