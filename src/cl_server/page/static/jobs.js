/* The jobs: filters, the list, and what can be done with several at once. */
import { cancel, download, may, remove, retry } from "./actions.js";
import { many, title } from "./format.js";
import { html, useEffect, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";
import { Row, Tile } from "./row.js";
import { useJobs } from "./joblist.js";
import { STATUSES, WORDS } from "./status.js";
import { go, useUrl } from "./url.js";
import { Windowed } from "./window.js";
import { useKeys } from "./keys.js";

export const open = (job) => go({ job });

function Filters({ url, tasks }) {
  const tiles = url.layout === "tiles";
  const typed = (event) => go({ q: event.target.value, job: null }, { replace: true });
  return html`<form class="filters" role="search" aria-label="Find jobs" onSubmit=${(event) => event.preventDefault()}>
    <div class="chips" role="group" aria-label="Status">
      ${["", ...STATUSES].map(
        (status) => html`<button key=${status} type="button" class="chip" aria-pressed=${(url.status ?? "") === status} onClick=${() => go({ status, job: null })}>
          ${status === "" ? "All" : WORDS[status]}
        </button>`,
      )}
    </div>
    <select aria-label="Task" value=${url.task ?? ""} onChange=${(event) => go({ task: event.target.value, job: null })}>
      <option value="">All tasks</option>
      ${tasks.map((task) => html`<option key=${task} value=${task} selected=${url.task === task}>${title(task)}</option>`)}
    </select>
    <label class="search"><${Icon} name="search" />
      <input id="find" type="search" value=${url.q ?? ""} onInput=${typed} placeholder="File, error, id or label=value" aria-label="Find by file, error, id or label" />
    </label>
    <button type="button" class="plain" aria-pressed=${tiles} title="Show as tiles" onClick=${() => go({ layout: tiles ? null : "tiles" }, { replace: true })}>
      <${Icon} name=${tiles ? "list" : "grid"} /><span class="visually-hidden">Show as tiles</span>
    </button>
  </form>`;
}

function Bulk({ chosen, onDone, clear }) {
  const able = (action) => chosen.filter(may[action]).length;
  const button = (action, icon, text, work, kind = "") => html`<button class=${kind} disabled=${!able(action)} onClick=${work}>
    <${Icon} name=${icon} />${text}${able(action) ? html`<span class="count">${able(action)}</span>` : null}
  </button>`;
  const then = (work) => async () => {
    await work(chosen);
    clear();
  };
  return html`<div class="bulk" role="toolbar" aria-label="Selected jobs">
    <strong>${many(chosen.length, "job")} selected</strong>
    ${button("cancel", "cancel", "Cancel", then(cancel))}
    ${button("retry", "retry", "Retry", then(retry))}
    ${button("download", "download", "Download", () => download(chosen))}
    ${button("remove", "trash", "Delete", async () => { onDone(await remove(chosen)); clear(); }, "danger")}
    <button class="plain" onClick=${clear}>Clear</button>
  </div>`;
}

export function Jobs({ tasks }) {
  const url = useUrl();
  const list = useJobs(url);
  const [selected, setSelected] = useState(new Set());
  const [current, setCurrent] = useState(null);
  const last = useRef(null);
  const { shown } = list;
  const chosen = shown.filter((job) => selected.has(job.job_id));
  const clear = () => setSelected(new Set());
  useEffect(clear, [url.status, url.task, url.q]);

  const select = (job, range) => {
    const on = !selected.has(job.job_id);
    const ids = shown.map((each) => each.job_id);
    const [from, to] = [ids.indexOf(range ? last.current : job.job_id), ids.indexOf(job.job_id)].sort((a, b) => a - b);
    const touched = from < 0 ? [job.job_id] : ids.slice(from, to + 1);
    setSelected((old) => {
      const next = new Set(old);
      for (const id of touched) on ? next.add(id) : next.delete(id);
      return next;
    });
    last.current = job.job_id;
  };
  const here = shown.find((job) => job.job_id === (url.job ?? current));
  const targets = chosen.length ? chosen : here ? [here] : [];
  const step = (by) => {
    const at = shown.findIndex((job) => job.job_id === (url.job ?? current));
    const next = shown[Math.min(Math.max(at + by, 0), shown.length - 1)];
    if (!next) return;
    setCurrent(next.job_id);
    if (url.job) go({ job: next.job_id }, { replace: true });
  };
  useKeys({
    j: () => step(1),
    k: () => step(-1),
    Enter: () => here && open(here.job_id),
    x: () => here && select(here, false),
    r: () => retry(targets),
    c: () => cancel(targets),
    d: () => targets.length && download(targets),
    Escape: clear,
  });

  const tiles = url.layout === "tiles";
  const Item = tiles ? Tile : Row;
  const all = shown.length > 0 && chosen.length === shown.length;
  return html`<section aria-labelledby="jobs-title">
    <h2 id="jobs-title" class="visually-hidden">Jobs</h2>
    <${Filters} url=${url} tasks=${tasks} />
    <div class="listhead">
      <label class="pick"><input type="checkbox" checked=${all} disabled=${!shown.length} aria-label="Select all that are loaded" onClick=${() => setSelected(all ? new Set() : new Set(shown.map((job) => job.job_id)))} /></label>
      <span class="quiet">${list.loading ? "Loading …" : `${many(shown.length, "job")}${list.cursor ? " loaded, more below" : ""}`}</span>
    </div>
    ${list.error ? html`<p class="notice bad" role="alert">${list.error.message} <button onClick=${list.reload}>Try again</button></p>` : null}
    ${!list.loading && !list.error && !shown.length ? html`<${Empty} url=${url} />` : null}
    <${Windowed}
      items=${shown} height=${tiles ? 212 : 64} tile=${tiles ? 176 : 0} onEnd=${list.more} label="Jobs, newest first" current=${current}
      draw=${(job) => html`<${Item} job=${job} isSelected=${selected.has(job.job_id)} isCurrent=${job.job_id === (url.job ?? current)} onSelect=${select} open=${open} />`}
    />
    ${chosen.length ? html`<${Bulk} chosen=${chosen} onDone=${list.forget} clear=${clear} />` : null}
  </section>`;
}

function Empty({ url }) {
  const filtered = url.status || url.task || url.q;
  return html`<div class="empty">
    <${Icon} name="upload" />
    <p>${filtered ? "No job matches." : "No jobs yet. Drop files anywhere on this page."}</p>
    ${filtered
      ? html`<button onClick=${() => go({ status: null, task: null, q: null })}>Show all jobs</button>`
      : html`<button class="primary" onClick=${() => go({ view: "new" })}>New job</button>`}
  </div>`;
}
