/* The page as a whole. */
import { Account, session, SignIn, signOut, useRenewal } from "./account.js";
import { html, render, useEffect, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";
import { JobPanel } from "./job.js";
import { Jobs } from "./jobs.js";
import { Help, useKeys } from "./keys.js";
import { listen, restart } from "./live.js";
import { drop, NewJob } from "./newjob.js";
import { Failures, Server, Summary, useOverview } from "./overview.js";
import { plugins } from "./plugins.js";
import { Question, sayError, Toasts } from "./toast.js";
import { go, link, useUrl } from "./url.js";

const VIEWS = { "": ["Jobs", "list"], new: ["New job", "plus"], server: ["Server", "grid"] };

function useDrops() {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const isFiles = (event) => event.dataTransfer?.types.includes("Files");
    const hover = (event) => {
      if (!isFiles(event)) return;
      event.preventDefault();
      setOver(event.type === "dragover");
    };
    const dropped = (event) => {
      if (!isFiles(event)) return;
      event.preventDefault();
      setOver(false);
      drop(event.dataTransfer.files);
    };
    const leave = (event) => event.relatedTarget === null && setOver(false);
    addEventListener("dragover", hover);
    addEventListener("dragleave", leave);
    addEventListener("drop", dropped);
    return () => {
      removeEventListener("dragover", hover);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", dropped);
    };
  }, []);
  return over;
}

function Live() {
  const [on, setOn] = useState(false);
  useEffect(() => listen({ onState: setOn }), []);
  return html`<span class=${`live ${on ? "on" : ""}`} role="status"><span class="dot" aria-hidden="true"></span>${on ? "Live" : "Connecting …"}</span>`;
}

function Page({ who, setWho, signIn }) {
  const url = useUrl();
  const overview = useOverview("1h");
  const [tasks, setTasks] = useState([]);
  const help = useRef();
  const over = useDrops();
  const view = url.view in VIEWS ? url.view : "";
  useEffect(() => {
    plugins().then((offered) => setTasks(offered.map((each) => each.task)), () => {});
  }, []);
  useEffect(() => {
    document.title = `${VIEWS[view][0]} · cl-client`;
  }, [view]);
  useKeys({
    "/": () => document.getElementById("find")?.focus(),
    "?": () => help.current.showModal(),
    n: () => go({ view: "new" }),
  });
  const out = async () => {
    try {
      setWho(await signOut());
    } catch (error) {
      sayError(error);
    }
  };
  return html`
    <a class="skip" href="#content">Skip to the jobs</a>
    <header class="top">
      <h1><a ...${link({})}><img src=${document.querySelector("link[rel=icon]").href} alt="" />cl-client</a></h1>
      <nav aria-label="Views">${Object.entries(VIEWS).map(([key, [word, icon]]) => html`<a key=${key} ...${link(key ? { view: key } : {})} aria-current=${view === key ? "page" : undefined}><${Icon} name=${icon} /><span>${word}</span></a>`)}</nav>
      <${Summary} overview=${overview} />
      <div class="right"><${Live} /><${Account} who=${who} onSignIn=${signIn} onSignOut=${out} />
        <button class="plain round" title="Keys" onClick=${() => help.current.showModal()}>?<span class="visually-hidden"> Keys</span></button></div>
    </header>
    <div class=${`body${url.job ? " split" : ""}`}>
      <main id="content" tabindex="-1">
        ${view === "" ? html`${url.status || url.q || url.task ? null : html`<${Failures} overview=${overview} />`}<${Jobs} tasks=${tasks} />` : null}
        ${view === "new" ? html`<${NewJob} url=${url} />` : null}
        ${view === "server" ? html`<${Server} url=${url} />` : null}
      </main>
      ${url.job ? html`<${JobPanel} key=${url.job} id=${url.job} />` : null}
    </div>
    ${over ? html`<div class="dropping" aria-hidden="true"><p><${Icon} name="upload" />Drop files to send them</p></div>` : null}
    <${Help} dialog=${help} /><${Question} /><${Toasts} />`;
}

function App() {
  const [who, setWho] = useState(null);
  const [asking, setAsking] = useState(false);
  const [fault, setFault] = useState(null);
  const learn = () => session().then(setWho, setFault);
  const become = (now) => {
    setWho(now);
    setAsking(false);
    restart();
  };
  useEffect(() => {
    learn();
    addEventListener("signedout", learn);
    return () => removeEventListener("signedout", learn);
  }, []);
  useRenewal(who?.signed_in ?? false, learn);
  if (fault) return html`<main class="signin"><p class="notice bad" role="alert">${fault.message}</p></main>`;
  if (!who) return html`<p class="loading">Loading …</p>`;
  if (asking || (!who.signed_in && !who.guests)) {
    if (!who.accounts) return html`<main class="signin"><p class="notice bad" role="alert">This server takes no guests, and has no accounts of its own.</p></main>`;
    return html`<${SignIn} guests=${who.guests} onDone=${become} onCancel=${() => setAsking(false)} />`;
  }
  return html`<${Page} key=${who.user_id ?? "guest"} who=${who} setWho=${become} signIn=${() => setAsking(true)} />`;
}

const place = document.getElementById("page");
place.replaceChildren();
render(html`<${App} />`, place);
