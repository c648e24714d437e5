/* Faces: boxes and landmarks over the picture, and their crops. Coordinates are fractions of the upright picture. */
import { fileUrl } from "../api.js";
import { many, nameOf } from "../format.js";
import { html, useState } from "../html.js";
import { inputOf, isShown } from "./input.js";

const percent = (part) => `${Math.round(100 * part)} %`;

export function Overlay({ faces, width, height, current, onPick }) {
  const thick = Math.max(width, height) / 250;
  return html`<svg class="overlay" viewBox=${`0 0 ${width} ${height}`} aria-hidden="true">
    ${faces.map((face, index) => {
      const { x, y, width: wide, height: high } = face.box;
      const points = Object.values(face.landmarks ?? {}).filter(Boolean);
      return html`<g key=${index} class=${index === current ? "current" : ""} onMouseEnter=${() => onPick(index)}>
        <rect x=${x * width} y=${y * height} width=${wide * width} height=${high * height} stroke-width=${thick} rx=${thick * 2} />
        ${points.map((point, at) => html`<circle key=${at} cx=${point.x * width} cy=${point.y * height} r=${thick * 1.2} />`)}
      </g>`;
    })}
  </svg>`;
}

export function Faces({ job, files, output }) {
  const [current, setCurrent] = useState(-1);
  const input = inputOf(files);
  return html`<section class="faces" aria-label="Faces">
    <p><strong>${many(output.num_faces, "face")}</strong> <span class="quiet">found by ${output.detector ?? "the model"} in ${output.image_width} × ${output.image_height} pixels</span></p>
    ${isShown(input)
      ? html`<div class="framed"><img src=${fileUrl(job.job_id, input.path)} alt=${`${nameOf(job)}, with ${many(output.num_faces, "face")}`} /><${Overlay} faces=${output.faces} width=${output.image_width} height=${output.image_height} current=${current} onPick=${setCurrent} /></div>`
      : null}
    <ul class="crops">${output.faces.slice(0, 60).map((face, index) => html`<li key=${index} class=${index === current ? "current" : ""} onMouseEnter=${() => setCurrent(index)}>
      <img src=${fileUrl(job.job_id, face.crop_path)} alt=${`Face ${index + 1}`} loading="lazy" /><span class="quiet">${percent(face.confidence)}</span>
    </li>`)}</ul>
  </section>`;
}
