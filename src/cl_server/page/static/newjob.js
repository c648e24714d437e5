/* New jobs: choose a task, drop files on it, and see what becomes of each. */
import { each, get, upload } from "./api.js";
import { Field } from "./field.js";
import { bytes, many, title } from "./format.js";
import { html, useEffect, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";
import { initial, plugins, sent } from "./plugins.js";
import { say, sayError } from "./toast.js";
import { go, link } from "./url.js";

/* Files that were dropped before the form was there. */
let dropped = [];
export const drop = (files) => {
  dropped = [...files];
  go({ view: "new", job: null });
  dispatchEvent(new Event("files"));
};

function Sending({ items }) {
  if (!items.length) return null;
  return html`<ul class="sending" aria-label="Files">${items.map((item) => html`<li key=${item.key} class=${item.state}>
    <${Icon} name=${item.state === "sent" ? "check" : item.state === "refused" ? "warn" : "file"} />
    <div class="main"><span class="name">${item.file.name}</span>
      <span class=${item.state === "refused" ? "bad" : "quiet"} role=${item.state === "refused" ? "alert" : undefined}>${wordFor(item)}</span>
    </div>
    ${item.state === "sending" ? html`<progress max="1" value=${item.share} aria-label=${`Sending ${item.file.name}`}></progress>` : null}
    ${item.job ? html`<a ...${link({ job: item.job })}>Open</a>` : null}
  </li>`)}</ul>`;
}

function wordFor(item) {
  if (item.state === "refused") return item.requestId ? `${item.why} (request ${item.requestId})` : item.why;
  if (item.state === "sent") return "sent";
  return item.state === "sending" ? `${Math.round(100 * item.share)} % of ${bytes(item.file.size)}` : bytes(item.file.size);
}

export function NewJob({ url }) {
  const [offered, setOffered] = useState([]);
  const [able, setAble] = useState(null);
  const [values, setValues] = useState({});
  const [labels, setLabels] = useState("");
  const [items, setItems] = useState([]);
  const picker = useRef();
  const form = useRef();
  const plugin = offered.find((each) => each.task === url.plugin) ?? offered.find((each) => each.task === "media_thumbnail") ?? offered[0];

  useEffect(() => {
    plugins().then(setOffered, sayError);
    get("capabilities").then((answer) => setAble(new Set(Object.keys(answer.capabilities))), () => {});
    const came = () => {
      add(dropped);
      dropped = [];
    };
    came();
    addEventListener("files", came);
    return () => removeEventListener("files", came);
  }, []);
  useEffect(() => {
    if (plugin) setValues(Object.fromEntries(plugin.fields.map((field) => [field.name, initial(field)])));
  }, [plugin?.task]);

  const add = (files) => {
    const fresh = [...files].map((file) => ({ file, key: Math.random(), state: "chosen", share: 0 }));
    if (fresh.length) setItems((old) => [...old.filter((item) => item.state !== "sent"), ...fresh]);
  };
  const change = (key, changes) => setItems((old) => old.map((item) => (item.key === key ? { ...item, ...changes } : item)));

  const send = async (event) => {
    event.preventDefault();
    if (!form.current.reportValidity()) return;
    const fields = {};
    for (const field of plugin.fields) {
      const value = sent(field, values[field.name]);
      if (value !== undefined) fields[field.name] = value;
    }
    const query = new URLSearchParams(labels.split(/\s+/).filter(Boolean).map((label) => ["label", label])).toString();
    const waiting = items.filter((item) => item.state === "chosen" || item.state === "refused");
    const failures = await each(
      waiting,
      async (item) => {
        change(item.key, { state: "sending", share: 0 });
        try {
          const job = await upload(plugin.task + (query ? `?${query}` : ""), fields, item.file, (share) => change(item.key, { share }));
          change(item.key, { state: "sent", job: job.job_id });
        } catch (error) {
          change(item.key, { state: "refused", why: error.message, requestId: error.requestId });
          throw error;
        }
      },
      3,
    );
    const well = waiting.length - failures.length;
    if (well) say(`Sent ${many(well, "file")}`, "good");
    if (well && !failures.length) go({ view: null, plugin: null, status: null, task: null, q: null });
  };

  if (!plugin) return html`<p class="loading">Loading …</p>`;
  const chosen = items.filter((item) => item.state === "chosen" || item.state === "refused").length;
  return html`<form ref=${form} class="newjob card" onSubmit=${send} noValidate=${false}>
    <h2>New job</h2>
    <div class="field"><label for="plugin">Task</label>
      <select id="plugin" onChange=${(event) => go({ plugin: event.target.value }, { replace: true })}>
        ${offered.map((each) => html`<option key=${each.task} value=${each.task} selected=${each === plugin}>${title(each.task)}${able && !able.has(each.task) ? " (no worker)" : ""}</option>`)}
      </select>
      <p class="quiet">${plugin.text}</p>
    </div>
    <div class="dropzone" onDragOver=${(event) => event.preventDefault()}>
      <${Icon} name="upload" />
      <p>Drop files anywhere, or <button type="button" class="plain link" onClick=${() => picker.current.click()}>choose files</button></p>
      <p class="quiet">${plugin.file}</p>
      <input ref=${picker} id="files" type="file" multiple class="visually-hidden" tabindex="-1" aria-label="Files" onChange=${(event) => { add(event.target.files); event.target.value = ""; }} />
    </div>
    <${Sending} items=${items} />
    ${plugin.fields.length ? html`<fieldset><legend>Parameters</legend>
      ${plugin.fields.map((field) => html`<${Field} key=${plugin.task + field.name} field=${field} value=${values[field.name] ?? ""} onChange=${(value) => setValues((old) => ({ ...old, [field.name]: value }))} />`)}
    </fieldset>` : null}
    <div class="field"><label for="labels">Labels</label>
      <input id="labels" type="text" value=${labels} onInput=${(event) => setLabels(event.target.value)} placeholder="album=holiday" aria-describedby="labels-text" />
      <p id="labels-text" class="quiet">To find the jobs again: name=value, with spaces between.</p>
    </div>
    <div class="buttons end">
      ${items.length ? html`<button type="button" onClick=${() => setItems([])}>Clear</button>` : null}
      <button class="primary" disabled=${!chosen}><${Icon} name="upload" />Send ${chosen ? many(chosen, "file") : ""}</button>
    </div>
  </form>`;
}
