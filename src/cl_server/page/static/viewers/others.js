/* Other jobs of a task, to compare one with: the newest that have completed. */
import { get } from "../api.js";
import { html, useState } from "../html.js";
import { nameOf, title } from "../format.js";
import { link } from "../url.js";

const PAGES = 5;

export async function others(job, atOnce = 200) {
  const found = [];
  let cursor = null;
  for (let page = 0; page < PAGES; page += 1) {
    const answer = await get("jobs", { task_type: job.task_type, status: "completed", limit: atOnce, cursor });
    found.push(...answer.jobs.filter((each) => each.job_id !== job.job_id));
    cursor = answer.cursor;
    if (!cursor) break;
  }
  return found;
}

/* `compare` gives for each other job how far it is, `null` for what can't be compared. */
export function Nearest({ job, compare, word, most, none, atOnce }) {
  const [found, setFound] = useState(null);
  const [busy, setBusy] = useState(false);
  const look = async () => {
    setBusy(true);
    try {
      const all = await others(job, atOnce);
      const compared = all.map((other) => ({ other, far: compare(other.task_output ?? {}) }));
      const near = compared.filter((each) => each.far !== null && each.far <= most).sort((a, b) => a.far - b.far).slice(0, 12);
      setFound({ near, looked: all.length, apart: compared.filter((each) => each.far === null).length });
    } finally {
      setBusy(false);
    }
  };
  if (!found) return html`<button disabled=${busy} onClick=${look}>${busy ? "Looking …" : `Find ${word}`}</button>`;
  return html`<p class="quiet">Compared with the newest ${found.looked} of ${title(job.task_type)}${found.apart ? `, of which ${found.apart} are of another model or version and not comparable` : ""}.</p>
    ${found.near.length ? null : html`<p>${none}</p>`}
    <ol class="near">${found.near.map(({ other, far }) => html`<li key=${other.job_id}><a ...${link({ job: other.job_id })}>${nameOf(other)}</a><span class="quiet">${typeof far === "number" && far < 1 && far > 0 ? `${Math.round(100 * (1 - far))} % alike` : far === 0 ? "the same" : `${far} of 64 bits differ`}</span></li>`)}</ol>`;
}
