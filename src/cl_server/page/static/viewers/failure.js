/* Why a job failed: the sentence, and the file that did it. */
import { html } from "../html.js";
import { Input } from "./input.js";

export const Failure = ({ job, files }) => html`<section class="failure" aria-label="Why it failed">
  <p class="notice bad">${job.error_message}</p>
  <${Input} job=${job} files=${files} />
</section>`;
