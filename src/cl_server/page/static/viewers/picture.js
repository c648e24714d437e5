/* A picture before and after, one over the other, with a line between them to move. */
import { fileUrl } from "../api.js";
import { bytes, nameOf } from "../format.js";
import { html, useState } from "../html.js";
import { find, inputOf, isShown } from "./input.js";

export function Picture({ job, files, output }) {
  const [at, setAt] = useState(50);
  const path = output.thumbnail_path ?? output.output_path;
  const [before, after] = [inputOf(files), find(files, path)];
  if (!after) return null;
  const both = isShown(before) && isShown(after);
  const saved = before ? Math.round(100 - (100 * after.size) / before.size) : 0;
  return html`<figure class="picture">
    ${both
      ? html`<div class="compare">
          <img class="after" src=${fileUrl(job.job_id, path)} alt=${`The result for ${nameOf(job)}`} />
          <img class="before" src=${fileUrl(job.job_id, before.path)} alt="" style=${{ clipPath: `inset(0 ${100 - at}% 0 0)` }} />
          <span class="line" style=${{ left: `${at}%` }} aria-hidden="true"></span>
          <input type="range" min="0" max="100" value=${at} aria-label="How much of the file that was sent is shown" onInput=${(event) => setAt(Number(event.target.value))} />
          <span class="tag left" aria-hidden="true">before</span><span class="tag right" aria-hidden="true">after</span>
        </div>`
      : isShown(after)
        ? html`<img src=${fileUrl(job.job_id, path)} alt=${`The result for ${nameOf(job)}`} />`
        : html`<p class="notice">Browsers don't show ${after.media_type}; download it to look at it.</p>`}
    <figcaption class="quiet">
      ${before ? html`<span>${before.media_type}, ${bytes(before.size)}</span><span aria-hidden="true">→</span>` : null}
      <span>${output.width} × ${output.height}, ${after.media_type}, ${bytes(after.size)}${saved > 0 ? ` (${saved} % smaller)` : ""}</span>
    </figcaption>
    ${(output.notes ?? []).map((note) => html`<p key=${note} class="notice">${note}</p>`)}
  </figure>`;
}
