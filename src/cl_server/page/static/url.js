/* Where one is: the whole state of the page is in its address, so the back button and a bookmark keep it. */
import { useEffect, useState } from "./html.js";

const listeners = new Set();

export const here = () => Object.fromEntries(new URLSearchParams(location.search));

/* Go there: `changes` to where one is; an empty value takes a word out. */
export function go(changes, { replace = false, keep = true } = {}) {
  const words = new URLSearchParams(keep ? location.search : "");
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === "") words.delete(name);
    else words.set(name, value);
  }
  const search = words.toString();
  if (search === location.search.slice(1)) return;
  history[replace ? "replaceState" : "pushState"](null, "", search ? `?${search}` : location.pathname);
  for (const listener of listeners) listener();
}

export function link(changes) {
  const words = new URLSearchParams(changes);
  return {
    href: `?${words}`,
    onClick: (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
      event.preventDefault();
      go(changes, { keep: false });
    },
  };
}

export function useUrl() {
  const [words, setWords] = useState(here);
  useEffect(() => {
    const changed = () => setWords(here());
    listeners.add(changed);
    addEventListener("popstate", changed);
    return () => {
      listeners.delete(changed);
      removeEventListener("popstate", changed);
    };
  }, []);
  return words;
}
