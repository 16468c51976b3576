// Files on their way to the server: one after the other, in the order in which they were added. Where the server has no
// room (429) or does not answer, they wait and are sent again by themselves.

import { ask, Problem, random, send, Unreachable } from "/page/server.js";
import { answered, arrived, choose, drop, emit, keyOf, known, uploads } from "/page/store.js";
import { announce } from "/page/messages.js";
import { bytes, say } from "/page/words.js";

const PATIENCE = 5;
let counter = 0;
let busy = null;
let online = true;

/** Take files in. `settingsOf` gives the settings of now for a file; what is chosen later does not change them. */
export function add(files, settingsOf) {
  const added = [];
  for (const file of files) {
    counter += 1;
    const upload = {
      key: `upload-${counter}`, file, name: file.name || say("paste.name"), state: online ? "waiting" : "offline", progress: 0,
      problem: refused(file), retryAt: 0, settings: settingsOf(file), control: new AbortController(), tries: 0, once: random(),
    };
    if (upload.problem) upload.state = "failed";
    uploads.set(upload.key, upload);
    added.push(upload);
  }
  if (!added.length) return;
  announce(say("said.added", { count: added.length, name: added[0].name }));
  for (const upload of added) if (upload.problem) emit("refused", upload);
  choose(keyOf(added.find((upload) => !upload.problem) ?? added[0]));
  emit("jobs");
  next();
}

/** What can be said without sending anything. */
function refused(file) {
  const limit = known.models?.limits.upload_bytes ?? Infinity;
  if (file.size === 0) return local("empty", { name: file.name });
  if (file.size > limit) return local("too-large", { name: file.name, bytes: bytes(file.size), limit: bytes(limit) });
  return null;
}

const local = (slug, values) => ({ slug, values, local: true });

/** The connection is there again, or gone. */
export function setOnline(there) {
  online = there;
  const [from, to] = there ? ["offline", "waiting"] : ["waiting", "offline"];
  for (const upload of uploads.values()) if (upload.state === from) upload.state = to;
  emit("jobs");
  next();
}

export function retry(key) {
  const upload = uploads.get(key);
  if (!upload || busy === upload) return;
  Object.assign(upload, { state: "waiting", problem: refused(upload.file), progress: 0, tries: 0 });
  if (upload.problem) upload.state = "failed";
  emit("jobs");
  next();
}

/** Do not send it. What was sent whole may be a job already: it is removed as soon as the server says so. */
export function stop(key) {
  const upload = uploads.get(key);
  if (upload && upload.progress < 1) upload.control.abort();
  drop(key);
  next();
}

export const sending = () => [...uploads.values()].some((upload) => upload.state !== "failed");

function next() {
  if (busy || !online) return;
  const upload = [...uploads.values()].find((one) => one.state === "waiting");
  if (!upload) return;
  busy = upload;
  upload.state = "uploading";
  emit("jobs");
  attempt(upload).finally(() => {
    busy = null;
    answered();
    next();
  });
}

async function attempt(upload) {
  try {
    const job = await send("/v1/jobs", form(upload), (share) => progress(upload, share), upload.control.signal);
    if (!uploads.has(upload.key)) {
      // Removed while the last bytes were on their way: then the job goes too.
      await ask(`/v1/jobs/${job.id}`, { method: "DELETE" }).catch(() => {});
      return;
    }
    arrived(upload.key, job);
  } catch (error) {
    if (error.name !== "AbortError") await failed(upload, error);
  }
  emit("jobs");
}

function form(upload) {
  const made = new FormData();
  for (const [name, value] of Object.entries(upload.settings)) made.append(name, value);
  // Sent again because an answer was lost, it makes no second job.
  made.append("id", upload.once);
  // Last: the server knows what to do before the bytes come.
  made.append("file", upload.file, upload.name);
  return made;
}

function progress(upload, share) {
  upload.progress = share;
  emit("progress", upload);
}

async function failed(upload, error) {
  if (error instanceof Unreachable) {
    upload.tries += 1;
    if (!(await readable(upload.file))) return refuse(upload, local("changed", { name: upload.name }));
    const there = await ask("/healthz").then(() => true, () => false);
    // A server that is there but cut the connection twice does not want this file.
    if (there && upload.tries > 2) return refuse(upload, local("unreachable", {}));
    upload.state = there ? "waiting" : "offline";
    return undefined;
  }
  if (error instanceof Problem && error.status === 401) {
    upload.state = "offline";
    return undefined;
  }
  if (error instanceof Problem && (error.status === 429 || error.status === 503)) return hold(upload, error);
  return refuse(upload, error);
}

function refuse(upload, problem) {
  upload.state = "failed";
  upload.problem = problem;
  emit("refused", upload);
}

/** No room: the file waits as long as the server said. */
function hold(upload, problem) {
  const wait = Math.max(1, problem.wait ?? PATIENCE);
  Object.assign(upload, { state: "held", problem, retryAt: Date.now() + wait * 1000 });
  setTimeout(() => {
    if (upload.state !== "held") return;
    upload.state = "waiting";
    emit("jobs");
    next();
  }, wait * 1000);
}

/** A file that was deleted, changed or is a folder cannot be read, which a broken connection does not tell apart. */
async function readable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

addEventListener("beforeunload", (event) => {
  if (sending()) event.preventDefault();
});
