/* One input of a form, as its parameter is: a choice, a switch, a number within bounds, or text. */
import { html } from "./html.js";

const words = (name) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");

function bounds({ least, most }) {
  if (least === undefined && most === undefined) return "";
  return `${least ?? "…"} to ${most ?? "…"}`;
}

export function Field({ field, value, onChange }) {
  const id = `field-${field.name}`;
  const common = { id, name: field.name, required: field.required, "aria-describedby": field.text ? `${id}-text` : undefined };
  let input;
  if (field.kind === "boolean") {
    input = html`<input ...${common} required=${false} type="checkbox" role="switch" checked=${Boolean(value)} onChange=${(event) => onChange(event.target.checked)} />`;
  } else if (field.kind === "choice") {
    input = html`<select ...${common} onChange=${(event) => onChange(event.target.value)}>
      ${field.choices.map((choice) => html`<option key=${choice} value=${choice} selected=${choice === value}>${choice}</option>`)}
    </select>`;
  } else if (field.kind === "integer" || field.kind === "number") {
    input = html`<input ...${common} type="number" inputmode="decimal" min=${field.least} max=${field.most} step=${field.kind === "integer" ? 1 : "any"} value=${value} placeholder=${bounds(field)} onInput=${(event) => onChange(event.target.value)} />`;
  } else {
    input = html`<input ...${common} type="text" maxlength=${field.longest} pattern=${field.pattern} value=${value} onInput=${(event) => onChange(event.target.value)} />`;
  }
  return html`<div class=${`field ${field.kind}`}>
    <label for=${id}>${words(field.name)}${field.required ? html`<span class="must" aria-hidden="true"> *</span>` : null}</label>
    ${input}
    ${field.text ? html`<p id=${`${id}-text`} class="quiet">${field.text}</p>` : null}
  </div>`;
}
