/* Keys for those who don't want to reach for a mouse. Where one types, they are letters. */
import { html, useEffect, useRef } from "./html.js";

const TYPES = new Set(["INPUT", "TEXTAREA", "SELECT"]);

const isTyping = (element) =>
  element.isContentEditable || (TYPES.has(element.tagName) && !["checkbox", "range", "radio"].includes(element.type));

export function useKeys(keys) {
  const now = useRef(keys);
  now.current = keys;
  useEffect(() => {
    const pressed = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
      const work = now.current[event.key];
      if (!work || (event.key !== "Escape" && isTyping(event.target))) return;
      /* Enter on a link or a button is theirs. */
      if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
      event.preventDefault();
      work(event);
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}

const HELP = [
  ["j k", "next and previous job"],
  ["Enter", "open the job"],
  ["x", "select it"],
  ["r c d", "retry, cancel, download"],
  ["n", "new job"],
  ["/", "find"],
  ["Esc", "close, or clear the selection"],
];

export function Help({ dialog }) {
  return html`<dialog ref=${dialog} aria-labelledby="keys-title">
    <h2 id="keys-title">Keys</h2>
    <dl class="keys">${HELP.map(([keys, text]) => html`<div key=${keys}><dt>${keys.split(" ").map((key) => html`<kbd key=${key}>${key}</kbd> `)}</dt><dd>${text}</dd></div>`)}</dl>
    <form method="dialog" class="buttons end"><button>Close</button></form>
  </dialog>`;
}
