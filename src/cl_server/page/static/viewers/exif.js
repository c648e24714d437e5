/* EXIF: what matters first, then every tag, to search in. The map is another site's: it's opened only by a click. */
import { html, useState } from "../html.js";

const shutter = (seconds) => (seconds >= 0.4 ? `${seconds} s` : `1/${Math.round(1 / seconds)} s`);

function mainFacts(output) {
  const camera = [output.make, output.model].filter(Boolean).join(" ");
  return [
    ["Camera", camera],
    ["Lens", output.lens_model],
    ["Taken", output.taken_at?.replace("T", " ")],
    ["Exposure", [output.exposure_time && shutter(output.exposure_time), output.f_number && `f/${output.f_number}`, output.iso && `ISO ${output.iso}`, output.focal_length && `${output.focal_length} mm`].filter(Boolean).join(" · ")],
    ["Size", output.width && output.height ? `${output.width} × ${output.height}` : null],
    ["Software", output.software],
  ].filter(([, value]) => value);
}

export function Exif({ output }) {
  const [words, setWords] = useState("");
  const [latitude, longitude] = [output.gps_latitude, output.gps_longitude];
  const isPlace = typeof latitude === "number" && typeof longitude === "number";
  const text = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));
  const tags = Object.entries(output.metadata).filter(([name, value]) => `${name} ${text(value)}`.toLowerCase().includes(words.toLowerCase()));
  return html`<section class="exif" aria-label="EXIF">
    <dl class="facts">${mainFacts(output).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
      ${isPlace ? html`<div><dt>Place</dt><dd>${latitude.toFixed(5)}, ${longitude.toFixed(5)} <a href=${`https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=14/${latitude}/${longitude}`} target="_blank" rel="noopener noreferrer">on a map (openstreetmap.org)</a></dd></div>` : null}
    </dl>
    <label class="search"><span class="visually-hidden">Search tags</span><input type="search" value=${words} placeholder=${`Search ${Object.keys(output.metadata).length} tags`} onInput=${(event) => setWords(event.target.value)} /></label>
    <div class="scroll tall" tabindex="0" role="region" aria-label="All tags"><table><thead><tr><th scope="col">Tag</th><th scope="col">Value</th></tr></thead>
      <tbody>${tags.slice(0, 400).map(([name, value]) => html`<tr key=${name}><th scope="row">${name}</th><td>${text(value).slice(0, 400)}</td></tr>`)}</tbody></table></div>
  </section>`;
}
