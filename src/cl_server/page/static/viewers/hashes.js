/* Hashes, and pictures that look nearly the same. */
import { html } from "../html.js";
import { Nearest } from "./others.js";

const NAMES = { sha256: "SHA-256", md5: "MD5", phash: "Perceptual hash", dhash: "Difference hash" };

/* How many bits differ in two numbers of 64 bits, in hexadecimal. */
export function distance(one, two) {
  let differ = BigInt(`0x${one}`) ^ BigInt(`0x${two}`);
  let count = 0;
  for (; differ; differ &= differ - 1n) count += 1;
  return count;
}

export function Hashes({ job, output }) {
  const compare = (other) =>
    other.phash && (other.hash_version ?? 1) === (output.hash_version ?? 1) ? distance(output.phash, other.phash) : null;
  return html`<section aria-label="Hashes">
    <dl class="facts">${Object.entries(NAMES).filter(([key]) => output[key]).map(([key, name]) => html`<div key=${key}><dt>${name}</dt><dd><code class="hash">${output[key]}</code></dd></div>`)}</dl>
    ${output.phash ? html`<${Nearest} job=${job} compare=${compare} word="near duplicates" most=${10} none="No near duplicate among them." />` : null}
  </section>`;
}
