/** What the uploader says about the files. */

import { html, useState } from "../../vendor/preact-htm.js";
import { apiUrl, answerOf, request } from "../api.js";
import { counted } from "../amounts.js";
import { useId } from "../elements/hooks.js";
import { useResource } from "../resource.js";

const KEY = "aerodag.description";
// What mostly is the same for the next upload.
const KEPT = ["licence", "platform", "project", "authors", "access"];
const EMPTY = {
  licence: "",
  platform: "drone",
  project: "",
  authors: "",
  access: "public",
  citation_doi: "",
  notes: "",
  captured_on: "",
  priority: "3",
};
const NAMES = {
  drone: "Drone",
  airborne: "Aircraft",
  satellite: "Satellite",
  public: "Public",
  private: "Private: here only you and operators see it",
  viewonly: "View only: to be looked at, not downloaded",
};
const PRIORITIES = { 1: "1: background", 2: "2: batch", 3: "3: normal", 4: "4: high", 5: "5: urgent" };

function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

/** The form's fields, and `values()` as the API takes them. */
export function useDescription() {
  const [fields, setFields] = useState(() => ({ ...EMPTY, ...kept() }));
  const change = (name, value) => setFields((old) => ({ ...old, [name]: value }));
  const values = () => {
    try {
      localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(KEPT.map((name) => [name, fields[name]]))));
    } catch {
      // Then the next form begins empty.
    }
    const authors = fields.authors
      .split(/[,;\n]/)
      .map((author) => author.trim())
      .filter(Boolean);
    const given = Object.entries({ ...fields, authors, priority: Number(fields.priority) });
    return Object.fromEntries(given.filter(([, value]) => value !== ""));
  };
  return { fields, change, values };
}

/** The allowed words, from the API's own schema. */
async function loadChoices(signal) {
  const schema = await answerOf(await request(new URL("../openapi.json", apiUrl("")), { signal }));
  const properties = schema.components.schemas.UploadRequest.properties;
  const words = (name) => properties[name].enum ?? properties[name].anyOf?.find((option) => option.enum)?.enum ?? [];
  return { licence: words("licence"), platform: words("platform"), access: words("access") };
}

export function Description({ words: { fields, change }, files }) {
  const choices = useResource(loadChoices, []);
  const options = choices.data ?? { licence: [], platform: [], access: [] };
  const shared = { fields, change };
  return html`<fieldset class="description"><legend>About ${files === 1 ? "the file" : `all ${counted(files, "file")}`}
    </legend>
    <${Select} ...${shared} name="licence" title="Licence" options=${["", ...options.licence]} />
    <${Select} ...${shared} name="access" title="Who may see it"
      options=${options.access.length ? options.access : [fields.access]} />
    <${Select} ...${shared} name="platform" title="Platform" options=${["", ...options.platform]} />
    <${Field} ...${shared} name="authors" title="Authors" help="Several with commas between." />
    <${Field} ...${shared} name="project" title="Project" />
    <${Field} ...${shared} name="captured_on" title="Day of the flight" type="date"
      help="Only for images that do not tell." />
    <${Field} ...${shared} name="citation_doi" title="DOI" pattern="10\\.[0-9]{4,9}/\\S+"
      help="Of a publication to cite, such as 10.1000/182." />
    <${Select} ...${shared} name="priority" title="Priority" options=${Object.keys(PRIORITIES)} names=${PRIORITIES} />
    <${Field} ...${shared} name="notes" title="Notes" long />
  </fieldset>`;
}

function Select({ name, title, options, names = NAMES, fields, change }) {
  const id = useId("field");
  return html`<div class="field"><label for=${id}>${title}</label>
    <select id=${id} value=${fields[name]} onChange=${(event) => change(name, event.target.value)}>
      ${options.map((option) => html`<option key=${option} value=${option} selected=${option === fields[name]}>
        ${option === "" ? "not given" : (names[option] ?? option)}</option>`)}
    </select></div>`;
}

function Field({ name, title, help, type = "text", pattern, long, fields, change }) {
  const id = useId("field");
  const shared = {
    id,
    name,
    value: fields[name],
    onInput: (event) => change(name, event.target.value),
    "aria-describedby": help && `${id}-help`,
  };
  return html`<div class=${`field ${long ? "long" : ""}`}><label for=${id}>${title}</label>
    ${long ? html`<textarea ...${shared} rows="3" />` : html`<input ...${shared} type=${type} pattern=${pattern} />`}
    ${help && html`<small id=${`${id}-help`}>${help}</small>`}</div>`;
}
