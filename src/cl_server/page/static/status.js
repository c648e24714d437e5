/* How a job stands, in a word, a colour and a bar. */
import { duration } from "./format.js";
import { html } from "./html.js";

export const STATUSES = ["queued", "processing", "completed", "failed", "cancelled"];
export const WORDS = { queued: "Waiting", processing: "Running", completed: "Done", failed: "Failed", cancelled: "Cancelled" };

export const Status = ({ job }) => html`<span class=${`status ${job.status}`}>
  <span class="dot" aria-hidden="true"></span>${WORDS[job.status] ?? job.status}
</span>`;

export const Progress = ({ value, label }) => html`<span class="progress">
  <progress max="100" value=${value} aria-label=${label ?? "Progress"}></progress><span>${value} %</span>
</span>`;

/* How long it waited, and how long it ran; of what is not over, up to now. */
export function timesOf(job, now = Date.now()) {
  const begun = job.started_at ?? null;
  const over = job.completed_at ?? null;
  const waited = Math.max((begun ?? over ?? now) - job.created_at, 0);
  const ran = begun === null ? null : Math.max((over ?? now) - begun, 0);
  return { waited, ran };
}

export function TimeBar({ job }) {
  const { waited, ran } = timesOf(job);
  const sum = Math.max(waited + (ran ?? 0), 1);
  const share = Math.round((100 * waited) / sum);
  return html`<div class="timebar">
    <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
      <rect class="waited" width=${share} height="4" />
      <rect class="ran" x=${share} width=${100 - share} height="4" />
    </svg>
    <p><span>waited ${duration(waited)}</span><span>${ran === null ? "not started" : `ran ${duration(ran)}`}</span></p>
  </div>`;
}
