/* The jobs that one looks at: read page by page as one scrolls, and kept up to date by events. */
import { get } from "./api.js";
import { useCallback, useEffect, useRef, useState } from "./html.js";
import { listen } from "./live.js";

const PAGE = 100;

/* The filter of the address as the API has it; other words are looked for in what is loaded. */
export function queryOf(url) {
  const words = (url.q ?? "").trim();
  const query = { status: url.status, task_type: url.task };
  if (/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}=/.test(words)) query.label = words;
  else if (/^[0-9a-f]{32}$/.test(words)) query.ids = words;
  return query;
}

const isSpecial = (url) => Boolean(queryOf(url).label || queryOf(url).ids);
const includes = (text, part) => Boolean(text) && text.toLowerCase().includes(part);

export function matches(job, url) {
  if (url.status && job.status !== url.status) return false;
  if (url.task && job.task_type !== url.task) return false;
  const words = (url.q ?? "").trim().toLowerCase();
  if (!words || isSpecial(url)) return true;
  return [...(job.input_names ?? []), job.error_message, job.job_id, job.task_type].some((text) => includes(text, words));
}

/* One change of a job. A message may be older than what was read: progress and times only grow. */
function merged(old, job) {
  if (!old) return job;
  if ((job.updated_at ?? 0) < (old.updated_at ?? 0)) return old;
  return { ...job, params: old.params, task_output: job.task_output ?? old.task_output };
}

/* What comes after the first page, if somebody has scrolled down to it and no more than a page came before it. */
function restOf(jobs, first) {
  const last = first.at(-1);
  const end = scrollY > innerHeight ? jobs.findIndex((job) => job.job_id === last?.job_id) : -1;
  if (end < 0 || end + 1 >= jobs.length) return null;
  const known = new Set(first.map((job) => job.job_id));
  return jobs.slice(end + 1).filter((job) => !known.has(job.job_id));
}

export function useJobs(url) {
  const wanted = JSON.stringify([url.status, url.task, url.q]);
  const [state, setState] = useState({ jobs: [], cursor: null, loading: true, error: null });
  const turn = useRef(0);
  const busy = useRef(false);

  const load = useCallback(
    async (cursor) => {
      const mine = cursor ? turn.current : ++turn.current;
      busy.current = true;
      try {
        const page = await get("jobs", { ...queryOf(url), limit: PAGE, cursor });
        if (mine !== turn.current) return;
        setState((old) => {
          const rest = cursor ? null : restOf(old.jobs, page.jobs);
          if (rest) return { jobs: [...page.jobs, ...rest], cursor: old.cursor, loading: false, error: null };
          const known = new Set(cursor ? old.jobs.map((job) => job.job_id) : []);
          const fresh = page.jobs.filter((job) => !known.has(job.job_id));
          return { jobs: cursor ? [...old.jobs, ...fresh] : page.jobs, cursor: page.cursor, loading: false, error: null };
        });
      } catch (error) {
        if (mine === turn.current) setState((old) => ({ ...old, loading: false, error }));
      } finally {
        if (mine === turn.current) busy.current = false;
      }
    },
    [wanted],
  );

  useEffect(() => {
    setState((old) => ({ ...old, jobs: [], cursor: null, loading: true }));
    load(null);
    let soon = null;
    const stop = listen({
      onJobs: (changed) => setState((old) => ({ ...old, jobs: apply(old.jobs, changed, url) })),
      /* Much happened at once: what is on top is read again, and the rest as one scrolls. */
      onRefetch: () => {
        clearTimeout(soon);
        soon = setTimeout(() => load(null), 400);
      },
    });
    return () => {
      clearTimeout(soon);
      stop();
    };
  }, [wanted]);

  const more = () => {
    if (state.cursor && !busy.current) load(state.cursor);
  };
  const forget = (ids) => {
    const gone = new Set(ids);
    setState((old) => ({ ...old, jobs: old.jobs.filter((job) => !gone.has(job.job_id)) }));
  };
  return { ...state, shown: state.jobs.filter((job) => matches(job, url)), more, forget, reload: () => load(null) };
}

function apply(jobs, changed, url) {
  const news = new Map(changed.map((job) => [job.job_id, job]));
  const kept = [];
  for (const job of jobs) {
    const change = news.get(job.job_id);
    news.delete(job.job_id);
    const now = change ? merged(job, change) : job;
    if (!change || matches(now, url)) kept.push(now);
  }
  if (isSpecial(url)) return kept;
  const fresh = [...news.values()].filter((job) => matches(job, url) && isNew(job, jobs));
  fresh.sort((a, b) => b.created_at - a.created_at);
  return [...fresh, ...kept];
}

/* Newer than the oldest that is loaded: an older one comes when one scrolls to it. */
const isNew = (job, jobs) => !jobs.length || job.created_at >= jobs[jobs.length - 1].created_at;
