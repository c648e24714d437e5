/* The API of the server, as any client has it. Addresses are relative to the page, so it works below any path. */

export class ApiError extends Error {
  constructor(status, message, requestId) {
    super(message);
    this.status = status;
    this.requestId = requestId;
  }
}

export const at = (path) => new URL(path, document.baseURI).href;

export const fileUrl = (jobId, path) =>
  at(`jobs/${encodeURIComponent(jobId)}/files/${path.split("/").map(encodeURIComponent).join("/")}`);

/* What a refusal says, in one line. */
export function errorOf(status, body, requestId) {
  const detail = body?.detail;
  const said = Array.isArray(detail)
    ? detail.map((issue) => `${issue.loc?.slice(1).join(".") || "the request"}: ${issue.msg}`).join("; ")
    : detail;
  return new ApiError(status, said || `the server answers ${status}`, body?.request_id ?? requestId);
}

export async function call(method, path, { query = {}, form = null } = {}) {
  const url = new URL(at(path));
  for (const [name, value] of Object.entries(query)) {
    for (const each of [value].flat()) {
      if (each !== undefined && each !== null && each !== "") url.searchParams.append(name, each);
    }
  }
  let response;
  try {
    response = await fetch(url, { method, body: form, credentials: "same-origin" });
  } catch {
    throw new ApiError(0, "the server does not answer", null);
  }
  const text = await response.text();
  let body = null;
  try {
    body = text === "" ? null : JSON.parse(text);
  } catch {
    /* A proxy before the server answered. */
  }
  /* The session has ended: the page asks who one is, and shows the form to sign in. */
  if (response.status === 401 && !path.startsWith("ui/")) dispatchEvent(new Event("signedout"));
  if (!response.ok) throw errorOf(response.status, body, response.headers.get("x-request-id"));
  return body;
}

export const get = (path, query) => call("GET", path, { query });
export const form = (fields) => new URLSearchParams(fields);

/* Send a file, and hear how far it is. */
export function upload(task, fields, file, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    body.append("file", file, file.name);
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onerror = () => reject(new ApiError(0, "the connection was lost while the file was sent", null));
    request.onload = () => {
      let answer = null;
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        /* As above. */
      }
      if (request.status < 300 && answer) resolve(answer);
      else reject(errorOf(request.status, answer, request.getResponseHeader("x-request-id")));
    };
    request.open("POST", at(`jobs/${task}`));
    request.setRequestHeader("idempotency-key", key());
    request.send(body);
  });
}

function key() {
  const random = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/* Do something with many, a few at a time; what went wrong is returned, and stops nobody else. */
export async function each(items, work, atOnce = 6) {
  const waiting = [...items];
  const failures = [];
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      try {
        await work(item);
      } catch (error) {
        failures.push({ item, error });
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return failures;
}
