/* The picture that somebody sent, if browsers can show it. */
import { fileUrl } from "../api.js";
import { bytes, nameOf } from "../format.js";
import { html } from "../html.js";
import { Icon } from "../icons.js";

const SHOWN = new Set(["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif", "image/bmp"]);

export const inputOf = (files) => files.find((file) => file.path.startsWith("input/"));
export const isShown = (file) => Boolean(file) && SHOWN.has(file.media_type) && file.size < 60_000_000;
export const find = (files, path) => files.find((file) => file.path === path);

export function Input({ job, files }) {
  const file = inputOf(files);
  if (!file) return html`<p class="notice">The file that was sent is gone.</p>`;
  return html`<div class="input">
    ${isShown(file) ? html`<img src=${fileUrl(job.job_id, file.path)} alt=${`The file that was sent: ${nameOf(job)}`} />` : html`<span class="preview none"><${Icon} name="file" /></span>`}
    <p class="quiet">${nameOf(job)} · ${file.media_type} · ${bytes(file.size)}</p>
  </div>`;
}
