/* Numbers and times for people. */

export function bytes(count) {
  if (count < 1000) return `${count} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = count;
  let unit = -1;
  do {
    value /= 1000;
    unit += 1;
  } while (value >= 999.5 && unit < units.length - 1);
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/* Milliseconds, in the two units that matter. */
export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 < 1 ? `${minutes} min` : `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h${minutes % 60 ? ` ${minutes % 60} min` : ""}` : `${Math.floor(hours / 24)} days`;
}

/* One word for how long ago something was. */
export function ago(time, now = Date.now()) {
  const seconds = Math.max(Math.round((now - time) / 1000), 0);
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} days ago`;
}

export const clock = (time) => (time ? new Date(time).toLocaleString() : "–");
export const number = (count) => count.toLocaleString("en");
export const many = (count, one, more = `${one}s`) => `${number(count)} ${count === 1 ? one : more}`;

/* "media_thumbnail" as people write it. */
export function title(task) {
  const known = { exif: "EXIF", clip_embedding: "CLIP embedding", dino_embedding: "DINO embedding", hls_streaming: "HLS streaming" };
  const words = task.replaceAll("_", " ");
  return known[task] ?? words.charAt(0).toUpperCase() + words.slice(1);
}

export const nameOf = (job) => job.input_names?.[0] ?? job.job_id.slice(0, 12);
export const basename = (path) => path.slice(path.lastIndexOf("/") + 1);
