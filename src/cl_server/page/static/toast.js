/* Short words about what was done, read out by screen readers too; and a question before something is lost. */
import { html, useEffect, useRef, useState } from "./html.js";

let show = () => {};
let ask = () => {};

export const say = (text, kind = "plain") => show({ text, kind, key: Math.random() });
export const sayError = (error) =>
  say(error.requestId ? `${error.message} (request ${error.requestId})` : error.message, "bad");

export const confirmed = (question, yes) => new Promise((resolve) => ask({ question, yes, resolve }));

export function Toasts() {
  const [shown, setShown] = useState([]);
  show = (toast) => {
    setShown((all) => [...all.slice(-3), toast]);
    setTimeout(() => setShown((all) => all.filter((each) => each !== toast)), toast.kind === "bad" ? 9000 : 4000);
  };
  return html`<div class="toasts" role="status" aria-live="polite">
    ${shown.map((toast) => html`<p key=${toast.key} class=${`toast ${toast.kind}`}>${toast.text}</p>`)}
  </div>`;
}

export function Question() {
  const [asked, setAsked] = useState(null);
  const dialog = useRef();
  ask = setAsked;
  useEffect(() => {
    if (asked) dialog.current.showModal();
  }, [asked]);
  const answer = (value) => {
    dialog.current.close();
    asked.resolve(value);
    setAsked(null);
  };
  if (!asked) return null;
  return html`<dialog ref=${dialog} aria-labelledby="question" onCancel=${() => answer(false)}>
    <p id="question">${asked.question}</p>
    <div class="buttons end">
      <button onClick=${() => answer(false)}>Keep</button>
      <button class="danger" onClick=${() => answer(true)}>${asked.yes}</button>
    </div>
  </dialog>`;
}
