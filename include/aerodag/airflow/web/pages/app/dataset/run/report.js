/** The page that pre-flight wrote, in a window of its own. */

import { html, useState } from "../../../vendor/preact-htm.js";
import { apiUrl } from "../../api.js";
import { Dialog } from "../../elements/dialog.js";
import { Icon } from "../../elements/icons.js";

export function ReportButton({ dagRunId }) {
  const [open, setOpen] = useState(false);
  return html`<button type="button" class="small" onClick=${() => setOpen(true)}>
    <${Icon} name="file" />Pre-flight report</button>
    ${
      open &&
      html`<${Dialog} wide title="Pre-flight report" onClose=${() => setOpen(false)}>
      <iframe class="report" title="Pre-flight report" src=${apiUrl(`runs/${encodeURIComponent(dagRunId)}/report`).href}
        sandbox="allow-scripts" />
    <//>`
    }`;
}
