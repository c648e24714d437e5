/* What can be done with jobs, one or many: each says what came of it. */
import { call, each, fileUrl, get } from "./api.js";
import { basename, many } from "./format.js";
import { confirmed, say, sayError } from "./toast.js";

export const ENDED = new Set(["completed", "failed", "cancelled"]);
export const may = {
  cancel: (job) => !ENDED.has(job.status),
  retry: (job) => job.status === "failed" || job.status === "cancelled",
  remove: (job) => ENDED.has(job.status),
  download: (job) => job.status === "completed",
};

async function all(ids, work, done) {
  const failures = await each(ids, work);
  const well = ids.length - failures.length;
  if (well) say(`${done} ${many(well, "job")}`, "good");
  if (failures.length === 1) sayError(failures[0].error);
  else if (failures.length) say(`${many(failures.length, "job")} could not be: ${failures[0].error.message}`, "bad");
  return new Set(failures.map((failure) => failure.item));
}

const idsOf = (jobs, action) => jobs.filter(may[action]).map((job) => job.job_id);

export const cancel = (jobs) =>
  all(idsOf(jobs, "cancel"), (id) => call("POST", `jobs/${id}/cancel`), "Cancelled");

export const retryIds = (ids) => all(ids, (id) => call("POST", `jobs/${id}/retry`), "Queued again:");
export const retry = (jobs) => retryIds(idsOf(jobs, "retry"));

/* The ids that are gone. */
export async function remove(jobs) {
  const ids = idsOf(jobs, "remove");
  if (!ids.length) return [];
  if (!(await confirmed(`Delete ${many(ids.length, "job")} with all files? This can't be undone.`, "Delete"))) return [];
  const stayed = await all(ids, (id) => call("DELETE", `jobs/${id}`), "Deleted");
  return ids.filter((id) => !stayed.has(id));
}

export const saveFile = (jobId, path, name = basename(path)) => {
  const anchor = document.createElement("a");
  anchor.href = fileUrl(jobId, path);
  anchor.download = name;
  anchor.click();
};

/* The files that jobs made; of several jobs, each file has the name of the input before it. */
export async function download(jobs) {
  const able = jobs.filter(may.download);
  let saved = 0;
  const failures = await each(
    able,
    async (job) => {
      const { files } = await get(`jobs/${job.job_id}/files`);
      const made = files.filter((file) => file.path.startsWith("output/"));
      const main = job.params?.output_path;
      const wanted = main ? made.filter((file) => file.path === main) : made.slice(0, 20);
      for (const file of wanted.length ? wanted : made.slice(0, 1)) {
        saveFile(job.job_id, file.path);
        saved += 1;
      }
    },
    2,
  );
  if (failures.length) sayError(failures[0].error);
  else say(saved ? `Downloading ${many(saved, "file")}` : "These jobs made no files", saved ? "good" : "plain");
}
