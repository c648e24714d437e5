/* One job in the list: as a row, or as a tile with its picture. */
import { fileUrl } from "./api.js";
import { ago, duration, nameOf, title } from "./format.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { Progress, Status, timesOf } from "./status.js";

const SHOWN = /\.(jpe?g|png|webp|gif|avif|bmp)$/i;

/* The picture that a job made, if browsers show it. */
export function pictureOf(job) {
  const output = job.task_output ?? {};
  const path = output.thumbnail_path ?? output.output_path ?? output.faces?.[0]?.crop_path;
  return path && SHOWN.test(path) ? fileUrl(job.job_id, path) : null;
}

/* By a word in the name of the task, for want of a picture. */
const KINDS = { hls: "film", video: "film", hash: "hash", face: "face", exif: "place", embedding: "vector" };

function iconOf(job) {
  if (job.status === "failed") return "warn";
  return Object.entries(KINDS).find(([word]) => job.task_type.includes(word))?.[1] ?? "file";
}

function Preview({ job }) {
  const picture = pictureOf(job);
  if (picture) return html`<img class="preview" src=${picture} alt="" loading="lazy" decoding="async" />`;
  return html`<span class=${`preview none ${job.status}`}><${Icon} name=${iconOf(job)} /></span>`;
}

function What({ job }) {
  if (job.status === "processing") return html`<${Progress} value=${job.progress} label=${`Progress of ${nameOf(job)}`} />`;
  if (job.status === "failed") return html`<span class="why" title=${job.error_message}>${job.error_message}</span>`;
  const { waited, ran } = timesOf(job);
  if (job.status === "completed") return html`<span class="quiet">ran ${duration(ran)}</span>`;
  return html`<span class="quiet">${job.status === "queued" ? `since ${duration(waited)}` : ""}</span>`;
}

const Labels = ({ labels }) =>
  Object.entries(labels ?? {}).slice(0, 2).map(([name, value]) => html`<span key=${name} class="label">${name}=${value}</span>`);

function pressed(event, job, open) {
  if (event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  open(job.job_id);
}

export function Row({ job, isSelected, isCurrent, onSelect, open }) {
  const name = nameOf(job);
  return html`<div class=${`row${isSelected ? " selected" : ""}${isCurrent ? " current" : ""}`}>
    <label class="pick"><input type="checkbox" checked=${isSelected} onClick=${(event) => onSelect(job, event.shiftKey)} aria-label=${`Select ${name}`} /></label>
    <${Preview} job=${job} />
    <div class="main">
      <a class="name" href=${`?job=${job.job_id}`} onClick=${(event) => pressed(event, job, open)}>${name}</a>
      <span class="quiet">${title(job.task_type)} <${Labels} labels=${job.labels} /></span>
    </div>
    <${Status} job=${job} />
    <div class="what"><${What} job=${job} /></div>
    <time class="quiet when" datetime=${new Date(job.created_at).toISOString()}>${ago(job.created_at)}</time>
  </div>`;
}

export function Tile({ job, isSelected, isCurrent, onSelect, open }) {
  const name = nameOf(job);
  return html`<div class=${`tile${isSelected ? " selected" : ""}${isCurrent ? " current" : ""}`}>
    <label class="pick"><input type="checkbox" checked=${isSelected} onClick=${(event) => onSelect(job, event.shiftKey)} aria-label=${`Select ${name}`} /></label>
    <a href=${`?job=${job.job_id}`} onClick=${(event) => pressed(event, job, open)}>
      <${Preview} job=${job} />
      <span class="name">${name}</span>
    </a>
    <${Status} job=${job} />
  </div>`;
}
