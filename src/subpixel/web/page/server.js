// Talking to the server: every request, the token, and errors as something that can be said to a person.

import { kept } from "/page/dom.js";

/** What the server refused, as RFC 9457 problem details; `slug` is the stable end of its type. */
export class Problem extends Error {
  constructor({ slug, title = "", detail = "", right = "", status = 0, wait = null, which = "", values = {} }) {
    super(title || slug);
    Object.assign(this, { slug, title, detail, right, status, wait, case: which, values });
  }
}

/** No answer at all: the server is gone, or the network. */
export class Unreachable extends Error {}

const listeners = { unreachable: [], token: [] };

export const onUnreachable = (listener) => listeners.unreachable.push(listener);
export const onTokenWanted = (listener) => listeners.token.push(listener);

/** 128 random bits, hexadecimal. */
export function random() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Who this browser is: the server lists the jobs of one client. Tabs share it. */
export const client = (() => {
  const stored = kept.get("client");
  if (/^[0-9a-f]{32}$/.test(stored ?? "")) return stored;
  const made = random();
  kept.set("client", made);
  return made;
})();

let token = (() => {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  try {
    if (given) {
      sessionStorage.setItem("subpixel-token", given);
      history.replaceState(null, "", location.pathname + location.search);
    }
    return given ?? sessionStorage.getItem("subpixel-token");
  } catch {
    return given;
  }
})();

export function setToken(next) {
  token = next;
  try {
    sessionStorage.setItem("subpixel-token", next);
  } catch {
    // For this visit then.
  }
}

export function headers(more = {}) {
  return { "Subpixel-Client": client, ...(token ? { Authorization: `Bearer ${token}` } : {}), ...more };
}

/** A refusal from its parts: status, header Retry-After and body. */
export function problemFrom(status, retryAfter, text) {
  let body = {};
  try {
    body = JSON.parse(text) ?? {};
  } catch {
    // An answer of something in between, as a proxy: the status is all that is known.
  }
  const wait = Number.parseFloat(retryAfter ?? "");
  return new Problem({
    slug: String(body.type ?? "unknown").split(":").pop(),
    title: String(body.title ?? ""),
    detail: String(body.detail ?? ""),
    right: String(body.right ?? ""),
    which: String(body.case ?? ""),
    values: body.values ?? {},
    status,
    wait: Number.isFinite(wait) ? wait : null,
  });
}

/**
 * Ask the server. Raises Problem where it refuses, Unreachable where it does not answer; who listens for that is told,
 * unless `alone`.
 */
export async function ask(path, { alone = false, ...options } = {}) {
  let answer;
  try {
    answer = await fetch(path, { cache: "no-store", ...options, headers: headers(options.headers) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (!alone) for (const listener of listeners.unreachable) listener();
    throw new Unreachable(path);
  }
  if (answer.ok) return answer;
  const problem = problemFrom(answer.status, answer.headers.get("Retry-After"), await answer.text().catch(() => ""));
  if (answer.status === 401) for (const listener of listeners.token) listener(Boolean(token));
  throw problem;
}

export const askJson = async (path, options) => (await ask(path, options)).json();

/** A cookie for what the browser opens by itself: downloads, videos and thumbnails. Where no token is set, not needed. */
export async function openSession() {
  if (token) await ask("/v1/session", { method: "POST" });
}

/** Send a form with progress from 0 to 1; fetch cannot say how far an upload is. */
export function send(path, form, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) {
        resolve(JSON.parse(request.responseText));
        return;
      }
      if (request.status === 401) for (const listener of listeners.token) listener(Boolean(token));
      reject(problemFrom(request.status, request.getResponseHeader("Retry-After"), request.responseText));
    };
    request.onerror = () => reject(new Unreachable(path));
    request.onabort = () => reject(new DOMException("aborted", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}
