/* A vector as a strip of colours, and the files whose vectors of the same model are nearest. */
import { html } from "../html.js";
import { many } from "../format.js";
import { Nearest } from "./others.js";

const length = (vector) => Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));

/* 1 less the cosine: 0 is the same direction. */
export function angle(one, two) {
  if (one.length !== two.length) return null;
  const product = one.reduce((sum, value, index) => sum + value * two[index], 0);
  return Math.max(0, 1 - product / (length(one) * length(two) || 1));
}

export function Embedding({ job, output }) {
  const vector = output.embedding;
  const most = Math.max(...vector.map(Math.abs)) || 1;
  const compare = (other) =>
    Array.isArray(other.embedding) && other.model_sha256 === output.model_sha256 && other.profile === output.profile ? angle(vector, other.embedding) : null;
  return html`<section class="embedding" aria-label="Embedding">
    <svg viewBox=${`0 0 ${vector.length} 24`} preserveAspectRatio="none" role="img" aria-label=${`${output.embedding_dim} numbers`}>
      ${vector.map((value, index) => html`<rect key=${index} class=${value < 0 ? "minus" : "plus"} x=${index} width="1.05" height="24" fill-opacity=${Math.abs(value) / most} />`)}
    </svg>
    <dl class="facts">
      <div><dt>Numbers</dt><dd>${output.embedding_dim}${output.normalized ? ", length 1" : ""}</dd></div>
      ${output.num_faces === undefined ? null : html`<div><dt>Faces</dt><dd>${many(output.num_faces, "face")}</dd></div>`}
      <div><dt>Model</dt><dd><code class="hash">${output.model_sha256}</code></dd></div>
    </dl>
    <${Nearest} job=${job} compare=${compare} word="what is nearest" most=${2} atOnce=${100} none="Nothing to compare with." />
  </section>`;
}
