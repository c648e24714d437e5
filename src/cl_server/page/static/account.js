/* Who one is: signing in and out. The token stays in a cookie that no script reads. */
import { call, form } from "./api.js";
import { html, useEffect, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";

const NAME = "cl-client user";
export const nameOfUser = () => localStorage.getItem(NAME) ?? "signed in";
export const session = () => call("GET", "ui/session");

export async function signOut() {
  localStorage.removeItem(NAME);
  return call("DELETE", "ui/session");
}

/* A token lasts half an hour; while the page is open, it is renewed. */
export function useRenewal(signedIn, onEnd) {
  useEffect(() => {
    if (!signedIn) return undefined;
    const timer = setInterval(() => {
      call("POST", "ui/session/renew").catch((error) => error.status === 401 && onEnd());
    }, 600000);
    return () => clearInterval(timer);
  }, [signedIn]);
}

export function SignIn({ guests, onDone, onCancel }) {
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState(null);
  const first = useRef();
  useEffect(() => first.current?.focus(), []);
  const send = async (event) => {
    event.preventDefault();
    const fields = new FormData(event.target);
    setBusy(true);
    setWrong(null);
    try {
      const answer = await call("POST", "ui/session", { form: form({ username: fields.get("username"), password: fields.get("password") }) });
      localStorage.setItem(NAME, fields.get("username"));
      onDone(answer);
    } catch (error) {
      setWrong(error.message);
      setBusy(false);
    }
  };
  return html`<main class="signin"><form class="card" onSubmit=${send}>
    <h1><img src=${document.querySelector("link[rel=icon]").href} alt="" />Sign in</h1>
    <div class="field"><label for="username">Name</label><input ref=${first} id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="64" /></div>
    <div class="field"><label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required maxlength="1024" /></div>
    ${wrong ? html`<p class="notice bad" role="alert">${wrong}</p>` : null}
    <button class="primary" disabled=${busy}>${busy ? "Signing in …" : "Sign in"}</button>
    ${guests ? html`<button type="button" class="plain" onClick=${onCancel}>Stay a guest</button>` : null}
  </form></main>`;
}

export function Account({ who, onSignIn, onSignOut }) {
  if (who.signed_in)
    return html`<div class="account"><span><${Icon} name="user" />${nameOfUser()}${who.is_admin ? html`<span class="label">admin</span>` : null}</span><button class="plain" onClick=${onSignOut}>Sign out</button></div>`;
  return html`<div class="account"><span class="quiet">Guest</span>${who.accounts ? html`<button class="plain" onClick=${onSignIn}>Sign in</button>` : null}</div>`;
}
