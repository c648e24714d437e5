/* The line on top, failures in groups, and what the server does: workers, times, storage. */
import { retryIds } from "./actions.js";
import { get } from "./api.js";
import { ago, bytes, duration, many, number, title } from "./format.js";
import { html, useEffect, useState } from "./html.js";
import { Icon } from "./icons.js";
import { listen } from "./live.js";
import { Progress } from "./status.js";
import { go, link } from "./url.js";

/* Asked again a moment after something happened, and every ten seconds while one looks. */
export function useOverview(window) {
  const [overview, setOverview] = useState(null);
  useEffect(() => {
    let stopped = false;
    let timer = null;
    let asked = 0;
    const ask = async () => {
      clearTimeout(timer);
      asked = Date.now();
      try {
        const answer = await get("overview", { window });
        if (!stopped) setOverview(answer);
      } catch {
        /* The list says what is wrong. */
      }
      if (!stopped) timer = setTimeout(ask, document.hidden ? 60000 : 10000);
    };
    const soon = () => {
      clearTimeout(timer);
      timer = setTimeout(ask, Math.max(400, asked + 1500 - Date.now()));
    };
    ask();
    const stop = listen({ onJobs: soon, onRefetch: soon });
    return () => {
      stopped = true;
      clearTimeout(timer);
      stop();
    };
  }, [window]);
  return overview;
}

export function Summary({ overview }) {
  if (!overview) return html`<p class="summary" aria-busy="true">…</p>`;
  const busy = overview.workers.filter((worker) => !worker.idle).length;
  const oldest = Math.min(...overview.waiting.map((task) => task.since));
  const failed = overview.failed_last_hour;
  return html`<p class="summary">
    ${failed ? html`<a class="bad" ...${link({ status: "failed" })}><b>${number(failed)}</b> failed in the last hour</a>` : null}
    <a ...${link({ status: "processing" })}><b>${number(overview.running.length)}</b> running</a>
    <a ...${link({ status: "queued" })}><b>${number(overview.queued)}${overview.more_queued ? "+" : ""}</b> waiting${overview.queued ? `, oldest ${duration(overview.at - oldest)}` : ""}</a>
    <a ...${link({ view: "server" })}><b>${busy}</b> of ${many(overview.workers.length, "worker")} busy</a>
  </p>`;
}

export function Failures({ overview }) {
  if (!overview?.failures.length) return null;
  return html`<section class="failures" aria-labelledby="failures-title">
    <h2 id="failures-title"><${Icon} name="warn" />What failed, and why</h2>
    <ul>${overview.failures.slice(0, 5).map((group) => html`<li key=${group.task_type + group.reason}>
      <div class="main">
        <strong>${group.reason || "no reason was given"}</strong>
        <span class="quiet">${title(group.task_type)} · ${many(group.count, "job")} · ${ago(group.newest_at)}${group.names.length ? ` · ${group.names.join(", ")}${group.count > group.names.length ? " …" : ""}` : ""}</span>
      </div>
      <div class="buttons">
        <button onClick=${() => go({ status: "failed", task: group.task_type, q: group.reason.slice(0, 60) }, { keep: false })}>Show</button>
        <button onClick=${() => retryIds(group.job_ids)}><${Icon} name="retry" />Retry ${group.job_ids.length > 1 ? `all ${group.job_ids.length}` : ""}</button>
      </div>
    </li>`)}</ul>
  </section>`;
}

function Chart({ bars }) {
  const most = Math.max(1, ...bars.completed.map((done, index) => done + bars.failed[index]));
  const high = (count) => (38 * count) / most;
  const total = bars.completed.reduce((sum, count) => sum + count, 0);
  const failed = bars.failed.reduce((sum, count) => sum + count, 0);
  return html`<figure class="chart">
    <svg viewBox="0 0 240 40" preserveAspectRatio="none" role="img" aria-label=${`${many(total, "job")} done and ${number(failed)} failed`}>
      ${bars.completed.map((done, index) => {
        const [well, badly] = [high(done), high(bars.failed[index])];
        return html`<g key=${index}><rect class="done" x=${index * 4} width="3" y=${40 - well} height=${well} /><rect class="failed" x=${index * 4} width="3" y=${40 - well - badly} height=${badly} /></g>`;
      })}
    </svg>
    <figcaption class="quiet"><span>${number(total)} done, ${number(failed)} failed</span><span>highest: ${number(most)} in ${duration(bars.step)}</span></figcaption>
  </figure>`;
}

const WINDOWS = { "1h": "Hour", "24h": "Day", "7d": "Week" };

export function Server({ url }) {
  const window = url.window in WINDOWS ? url.window : "1h";
  const overview = useOverview(window);
  if (!overview) return html`<p class="loading">Loading …</p>`;
  const waits = new Map(overview.waiting.map((task) => [task.task_type, task]));
  const tasks = [...new Set([...overview.tasks.map((task) => task.task_type), ...waits.keys()])].sort();
  const times = new Map(overview.tasks.map((task) => [task.task_type, task]));
  return html`<div class="server">
    <section class="card wide" aria-labelledby="throughput">
      <header><h2 id="throughput">Throughput</h2>
        <div class="chips" role="group" aria-label="Time">${Object.entries(WINDOWS).map(([key, word]) => html`<button key=${key} class="chip" aria-pressed=${window === key} onClick=${() => go({ window: key }, { replace: true })}>${word}</button>`)}</div>
      </header>
      <${Chart} bars=${overview.bars} />
      <div class="scroll" tabindex="0" role="region" aria-label="Times by task"><table>
        <thead><tr><th scope="col">Task</th><th scope="col">Waiting</th><th scope="col">Done</th><th scope="col">Failed</th><th scope="col">Waited</th><th scope="col">Ran</th><th scope="col">Ran, 95 %</th></tr></thead>
        <tbody>${tasks.map((task) => {
          const [time, wait] = [times.get(task), waits.get(task)];
          return html`<tr key=${task}><th scope="row"><a ...${link({ task })}>${title(task)}</a></th>
            <td>${wait ? html`${number(wait.count)}${wait.workers ? "" : html`<span class="bad"> no worker can do it</span>`}` : 0}</td>
            <td>${number(time?.completed ?? 0)}</td><td class=${time?.failed ? "bad" : ""}>${number(time?.failed ?? 0)}</td>
            <td>${duration(time?.waited_p50)}</td><td>${duration(time?.ran_p50)}</td><td>${duration(time?.ran_p95)}</td></tr>`;
        })}</tbody>
      </table></div>
      ${tasks.length ? null : html`<p class="quiet">Nothing ended in this time.</p>`}
    </section>
    <section class="card" aria-labelledby="workers"><header><h2 id="workers">Workers</h2></header>
      <ul class="workers">${overview.workers.map((worker) => html`<li key=${worker.worker_id}>
        <span class=${`dot ${worker.idle ? "idle" : "busy"}`} aria-hidden="true"></span>
        <div class="main"><code>${worker.worker_id}</code>
          ${worker.job
            ? html`<a ...${link({ job: worker.job.job_id })}>${title(worker.job.task_type)}, ${worker.job.name}</a><${Progress} value=${worker.job.progress} label=${`Progress of ${worker.job.name}`} />`
            : html`<span class="quiet">${worker.idle ? "idle" : "busy"} · ${many(worker.tasks.length, "task")}</span>`}
        </div></li>`)}</ul>
      ${overview.workers.length ? null : html`<p class="notice bad">No worker is there: jobs wait.</p>`}
    </section>
    <section class="card" aria-labelledby="storage"><header><h2 id="storage">Storage</h2></header>
      <p class="figure">${bytes(overview.stored)}</p><p class="quiet">files of the jobs that you see</p>
    </section>
  </div>`;
}
