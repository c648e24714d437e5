/* A film in a player: the browser's own where it plays HLS, else hls.js, which is fetched only then. */
import { fileUrl } from "../api.js";
import { duration, many, nameOf } from "../format.js";
import { html, useEffect, useRef, useState } from "../html.js";

const TYPE = "application/vnd.apple.mpegurl";

async function play(video, source, onError) {
  const { default: Hls } = await import("../vendor/hls.js");
  if (!Hls.isSupported()) {
    if (video.canPlayType(TYPE)) video.src = source;
    else onError("This browser plays no HLS.");
    return () => {};
  }
  /* Without a worker, which would be a script from a blob. */
  const hls = new Hls({ enableWorker: false });
  hls.on(Hls.Events.ERROR, (_, problem) => problem.fatal && onError(`The film can't be played: ${problem.details}`));
  hls.loadSource(source);
  hls.attachMedia(video);
  return () => hls.destroy();
}

export function Film({ job, output }) {
  const video = useRef();
  const [wrong, setWrong] = useState(null);
  useEffect(() => {
    let stop = () => {};
    let gone = false;
    play(video.current, fileUrl(job.job_id, output.master_playlist), setWrong).then(
      (end) => (gone ? end() : (stop = end)),
      () => setWrong("The player can't be loaded."),
    );
    return () => {
      gone = true;
      stop();
    };
  }, [job.job_id]);
  return html`<section class="film" aria-label="Film">
    <video ref=${video} controls playsinline muted preload="metadata" aria-label=${nameOf(job)}></video>
    ${wrong ? html`<p class="notice bad" role="alert">${wrong}</p>` : null}
    <p class="quiet">${duration(1000 * output.duration)} · ${many(output.total_segments, "segment")}</p>
    <ul class="variants">${output.variants.map((variant) => html`<li key=${variant.playlist}><strong>${variant.height}p</strong> <span class="quiet">${variant.width} × ${variant.height}, ${Math.round(variant.bandwidth / 1000)} kbit/s</span></li>`)}</ul>
    ${(output.notes ?? []).map((note) => html`<p key=${note} class="notice">${note}</p>`)}
  </section>`;
}
