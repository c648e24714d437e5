/* What happens to jobs, as the server tells it: a few messages a second, however many jobs there are. */
import { at } from "./api.js";

const listeners = new Set();
let source = null;
let again = null;

const tell = (kind, value) => {
  for (const listener of [...listeners]) listener[kind]?.(value);
};

function close() {
  clearTimeout(again);
  source?.close();
  source = null;
}

function open() {
  close();
  /* A browser has six connections to a server, over all tabs: those that nobody sees need none. */
  if (document.hidden || !listeners.size) return;
  source = new EventSource(at("events"));
  source.onopen = () => tell("onState", true);
  source.addEventListener("jobs", (event) => tell("onJobs", JSON.parse(event.data)));
  source.addEventListener("refetch", () => tell("onRefetch"));
  source.onerror = () => {
    tell("onState", false);
    /* Refused (signed out, too many): ask again later. A lost connection is opened again by the browser. */
    if (source?.readyState === EventSource.CLOSED) again = setTimeout(open, 5000);
  };
}

export function listen(listener) {
  listeners.add(listener);
  if (source === null) open();
  return () => listeners.delete(listener);
}

/* Somebody else is signed in now. */
export const restart = open;

document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
/* A page that one may come back to would keep its connection. */
addEventListener("pagehide", close);
addEventListener("pageshow", (event) => event.persisted && open());
