/* A result as what it is, by what is in it: another server's plugins are shown as well. */
import { html } from "../html.js";
import { Embedding } from "./embedding.js";
import { Exif } from "./exif.js";
import { Faces } from "./faces.js";
import { Failure } from "./failure.js";
import { Film } from "./film.js";
import { Hashes } from "./hashes.js";
import { Picture } from "./picture.js";

export function viewerOf(output) {
  if (output.master_playlist) return Film;
  if (output.embedding) return Embedding;
  if (Array.isArray(output.faces)) return Faces;
  if (output.metadata && typeof output.metadata === "object") return Exif;
  if (output.thumbnail_path || output.output_path) return Picture;
  if (output.phash || output.sha256 || output.md5 || output.dhash) return Hashes;
  return Values;
}

export function Result({ job, files }) {
  if (job.status === "failed") return html`<${Failure} job=${job} files=${files} />`;
  if (job.status !== "completed" || !job.task_output) return null;
  const Viewer = viewerOf(job.task_output);
  return html`<${Viewer} job=${job} files=${files} output=${job.task_output} />`;
}

function Values({ output }) {
  return html`<dl class="facts">${Object.entries(output).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${typeof value === "object" ? JSON.stringify(value).slice(0, 500) : String(value)}</dd></div>`)}</dl>`;
}
