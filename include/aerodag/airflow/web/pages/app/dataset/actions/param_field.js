/** A field for one param of the DAG, after its JSON schema. */

import { html, useState } from "../../../vendor/preact-htm.js";
import { useId } from "../../elements/hooks.js";

function typesOf(schema) {
  return [schema.type].flat();
}

/**
 * @param {{name: string, param: {value: any, description: string | null, schema: any}, value: any,
 *   onChange: (value: any) => void}} props
 */
export function ParamField({ name, param, value, onChange }) {
  const { schema } = param;
  const title = schema.title ?? name;
  const help = param.description ?? schema.description;
  const types = typesOf(schema);
  const shared = { title, help, schema, value, onChange, types };
  if (types.includes("array") && schema.items?.enum) return html`<${Several} ...${shared} />`;
  if (types.includes("array")) return html`<${Lines} ...${shared} />`;
  if (types.includes("object")) return html`<${Json} ...${shared} />`;
  if (types.includes("boolean") || schema.enum) return html`<${One} ...${shared} />`;
  return html`<${Text} ...${shared} />`;
}

function Labelled({ id, title, help, children }) {
  return html`<div class="field"><label for=${id}>${title}</label>
    ${children}${help && html`<small id=${`${id}-help`}>${help}</small>`}</div>`;
}

function One({ title, help, schema, value, onChange, types }) {
  const id = useId("param");
  const options = schema.enum ?? [...(types.includes("null") ? [null] : []), true, false];
  const names = schema.values_display ?? {};
  const nameOf = (option) =>
    names[String(option)] ?? { null: "not given", true: "yes", false: "no" }[String(option)] ?? String(option);
  return html`<${Labelled} id=${id} title=${title} help=${help}>
    <select id=${id} aria-describedby=${help && `${id}-help`} value=${options.indexOf(value)}
      onChange=${(event) => onChange(options[Number(event.target.value)])}>
      ${options.map((option, index) => html`<option key=${index} value=${index} selected=${option === value}>
        ${nameOf(option)}</option>`)}
    </select>
  <//>`;
}

function Several({ title, help, schema, value, onChange }) {
  const chosen = value ?? [];
  const toggle = (option) =>
    onChange(schema.items.enum.filter((one) => (one === option ? !chosen.includes(one) : chosen.includes(one))));
  return html`<fieldset class="field"><legend>${title}</legend>
    <div class="ticks">${schema.items.enum.map((option) => html`<label key=${option} class="check">
      <input type="checkbox" checked=${chosen.includes(option)} onChange=${() => toggle(option)} />
        ${option.replaceAll("_", " ")}</label>`)}</div>
    ${help && html`<small>${help}</small>`}</fieldset>`;
}

function Lines({ title, help, value, onChange }) {
  const id = useId("param");
  const [text, setText] = useState((value ?? []).join("\n"));
  const type = (event) => {
    setText(event.target.value);
    const lines = [
      ...new Set(
        event.target.value
          .split("\n")
          .map((line) => line.trim())
          .filter(Boolean),
      ),
    ];
    onChange(lines.length ? lines : null);
  };
  return html`<${Labelled} id=${id} title=${title} help=${help}>
    <textarea id=${id} aria-describedby=${help && `${id}-help`}
      rows=${Math.min(6, Math.max(2, text.split("\n").length))} spellcheck="false" value=${text} onInput=${type} />
  <//>`;
}

function Json({ title, help, value, onChange }) {
  const id = useId("param");
  const [text, setText] = useState(JSON.stringify(value ?? {}));
  const type = (event) => {
    setText(event.target.value);
    try {
      onChange(JSON.parse(event.target.value || "{}"));
      event.target.setCustomValidity("");
    } catch {
      event.target.setCustomValidity('This is not JSON; {"orthophoto-resolution": 5} would be.');
    }
  };
  return html`<${Labelled} id=${id} title=${title} help=${help}>
    <textarea id=${id} aria-describedby=${help && `${id}-help`} rows="2" spellcheck="false" value=${text}
      onInput=${type} /><//>`;
}

function Text({ title, help, value, onChange, types }) {
  const id = useId("param");
  const number = types.includes("integer") || types.includes("number");
  const parsed = (text) => (text === "" ? null : number ? Number(text) : text);
  return html`<${Labelled} id=${id} title=${title} help=${help}>
    <input id=${id} aria-describedby=${help && `${id}-help`} type=${number ? "number" : "text"} value=${value ?? ""}
      onInput=${(event) => onChange(parsed(event.target.value))} />
  <//>`;
}
