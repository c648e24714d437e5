/* One job: how it stands, what came of it, its files and its log. */
import { cancel, download, ENDED, may, remove, retry, saveFile } from "./actions.js";
import { get } from "./api.js";
import { basename, bytes, clock, nameOf, title } from "./format.js";
import { html, useEffect, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";
import { useKeys } from "./keys.js";
import { listen } from "./live.js";
import { Progress, Status, TimeBar } from "./status.js";
import { say, sayError } from "./toast.js";
import { go, link } from "./url.js";
import { Result } from "./viewers/result.js";

const close = () => go({ job: null });

export function useJob(id) {
  const [job, setJob] = useState(null);
  const [files, setFiles] = useState([]);
  const [lines, setLines] = useState([]);
  const [error, setError] = useState(null);
  useEffect(() => {
    let stopped = false;
    const read = async () => {
      try {
        const found = await get(`jobs/${id}`);
        const [{ files: listed }, log] = await Promise.all([get(`jobs/${id}/files`), get(`jobs/${id}/log`)]);
        if (stopped) return;
        setJob(found);
        setFiles(listed);
        setLines(log.lines);
        setError(null);
      } catch (fault) {
        if (!stopped) setError(fault);
      }
    };
    read();
    const stop = listen({
      onJobs: (changed) => {
        const change = changed.find((each) => each.job_id === id);
        if (!change) return;
        setJob((old) => (old && !ENDED.has(change.status) ? { ...old, ...change, params: old.params } : old));
        if (change.status !== "processing" || change.progress === 0) read();
      },
      onRefetch: read,
    });
    return () => {
      stopped = true;
      stop();
    };
  }, [id]);
  return { job, files, lines, error };
}

function Actions({ job }) {
  const button = (action, icon, text, work, kind = "") =>
    may[action](job) ? html`<button key=${action} class=${kind} onClick=${work}><${Icon} name=${icon} />${text}</button>` : null;
  return html`<div class="buttons">
    ${button("download", "download", "Download", () => download([job]), "primary")}
    ${button("cancel", "cancel", "Cancel", () => cancel([job]))}
    ${button("retry", "retry", "Retry", () => retry([job]), "primary")}
    ${button("remove", "trash", "Delete", async () => (await remove([job])).length && close(), "danger")}
    <a class="button" ...${link({ view: "new", plugin: job.task_type })}><${Icon} name="plus" />Same task</a>
  </div>`;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    say("Copied", "good");
  } catch {
    sayError(new Error("the browser does not let this page copy"));
  }
}

function Facts({ job }) {
  const params = Object.entries(job.params ?? {}).filter(([name, value]) => name !== "output_path" && value !== null);
  const labels = Object.entries(job.labels ?? {});
  return html`<dl class="facts">
    <div><dt>Id</dt><dd><code>${job.job_id}</code> <button class="plain link" onClick=${() => copy(job.job_id)}>copy</button></dd></div>
    <div><dt>Submitted</dt><dd>${clock(job.created_at)}</dd></div>
    ${job.completed_at ? html`<div><dt>Ended</dt><dd>${clock(job.completed_at)}</dd></div>` : null}
    <div><dt>Priority</dt><dd>${job.priority}</dd></div>
    ${params.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${typeof value === "object" ? JSON.stringify(value) : String(value)}</dd></div>`)}
    ${labels.map(([name, value]) => html`<div key=${`label ${name}`}><dt>${name}</dt><dd><a ...${link({ q: `${name}=${value}` })}>${value}</a></dd></div>`)}
  </dl>
  <p class="copies"><button class="plain link" onClick=${() => copy(`cl-client jobs get ${job.job_id}`)}>copy as command</button>
    <button class="plain link" onClick=${() => copy(`job = await client.jobs.get("${job.job_id}")`)}>copy as Python</button></p>`;
}

function Files({ job, files }) {
  const [all, setAll] = useState(false);
  if (!files.length) return null;
  const shown = all ? files : files.slice(0, 8);
  return html`<h3>Files</h3><ul class="files">${shown.map((file) => html`<li key=${file.path}>
    <span class="name">${file.path.startsWith("input/") ? html`<span class="label">input</span>` : null}${file.path.startsWith("input/") ? nameOf(job) : basename(file.path)}</span>
    <span class="quiet">${file.media_type} · ${bytes(file.size)}</span>
    <button class="plain" title="Download" onClick=${() => saveFile(job.job_id, file.path, file.path.startsWith("input/") ? nameOf(job) : undefined)}><${Icon} name="download" /><span class="visually-hidden">Download ${basename(file.path)}</span></button>
  </li>`)}</ul>
  ${files.length > shown.length ? html`<button class="plain link" onClick=${() => setAll(true)}>all ${files.length} files</button>` : null}`;
}

function Log({ lines }) {
  if (!lines.length) return null;
  return html`<details class="log" open=${lines.some((line) => line.level === "error" || line.level === "warning")}><summary>Log</summary>
    <ol tabindex="0" aria-label="Log of the job">${lines.map((line) => html`<li key=${line.number} class=${line.level}><time>${new Date(line.at).toLocaleTimeString()}</time> <span class="level">${line.level}</span> ${line.text}</li>`)}</ol>
  </details>`;
}

export function JobPanel({ id }) {
  const { job, files, lines, error } = useJob(id);
  const heading = useRef();
  useKeys({ Escape: close });
  useEffect(() => heading.current?.focus({ preventScroll: true }), [job === null]);
  return html`<aside class="panel" aria-labelledby="job-title">
    <header><h2 id="job-title" ref=${heading} tabindex="-1">${job ? nameOf(job) : "Job"}</h2>
      <button class="plain round" title="Close" onClick=${close}><${Icon} name="cancel" /><span class="visually-hidden">Close</span></button></header>
    ${error ? html`<p class="notice bad" role="alert">${error.message}${error.requestId ? ` (request ${error.requestId})` : ""}</p>` : null}
    ${job ? html`
      <p class="under"><span>${title(job.task_type)}</span><${Status} job=${job} />${job.status === "processing" ? html`<${Progress} value=${job.progress} />` : null}</p>
      <${Actions} job=${job} />
      <${Result} job=${job} files=${files} />
      <${TimeBar} job=${job} />
      <${Files} job=${job} files=${files} />
      <${Log} lines=${lines} />
      <h3>Details</h3><${Facts} job=${job} />` : error ? null : html`<p class="loading">Loading …</p>`}
  </aside>`;
}
