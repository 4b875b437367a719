/** Modal windows: the browser keeps the focus inside, Esc closes. */

import { html, useEffect, useId, useRef, useState } from "./hooks.js";
import { Icon } from "./icons.js";
import { ErrorNote } from "./notice.js";

/** @param {{title: string, onClose: () => void, wide?: boolean, children: any}} props */
export function Dialog({ title, onClose, wide = false, children }) {
  const element = useRef(null);
  const id = useId("dialog");
  useEffect(() => {
    const dialog = element.current;
    dialog.showModal();
    // Closed, it gives the focus back to what had it; removed while it is open, it does not.
    return () => dialog.close();
  }, []);
  // A press that began inside and ended on the backdrop, a selection of text say, closes nothing.
  const closeFromBackdrop = (event) => event.target === element.current && onClose();
  return html`<dialog ref=${element} class=${wide ? "wide" : ""} aria-labelledby=${id} onMouseDown=${closeFromBackdrop}
      onCancel=${(event) => {
        event.preventDefault();
        onClose();
      }}>
    <div class="sheet">
      <header><h2 id=${id}>${title}</h2>
        <button type="button" class="ghost square" aria-label="Close" onClick=${onClose}><${Icon} name="close" />
          </button></header>
      ${children}
    </div>
  </dialog>`;
}

/**
 * Asks before something is done, does it, and says what came of it.
 * @param {{title: string, verb: string, tone?: string, onConfirm: () => Promise<void>, onClose: () => void}} props
 */
export function Confirm({ title, verb, tone = "", onConfirm, onClose, children }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const confirm = async (event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await onConfirm();
      onClose();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return html`<${Dialog} title=${title} onClose=${onClose}>
    <form class="stack" onSubmit=${confirm}>
      ${children}
      <${ErrorNote} error=${error} />
      <footer>
        <button type="button" onClick=${onClose}>Leave it</button>
        <button type="submit" class=${`solid ${tone}`} disabled=${busy}>${busy ? "One moment…" : verb}</button>
      </footer>
    </form>
  <//>`;
}
