// What the page knows: jobs of the server, files on their way to it, which one is looked at. Who shows something listens.

import { kept } from "/page/dom.js";

/** Job of the server by id; see Job in the interface's description at /docs. */
export const jobs = new Map();

/** Files that are not jobs yet, by a key of their own: {key, file, name, state, progress, problem, retryAt, settings}. */
export const uploads = new Map();

const listeners = {};
const fresh = new Set();

/** Jobs heard of before the answer to the upload that made them: not shown twice meanwhile. */
const early = new Set();
let listed = false;

/**
 * "jobs": something in the list changed; "current": another one is looked at; "models": what there is to choose from;
 * "arrived": a file is a job now, its key and its id.
 */
export function on(name, listener) {
  (listeners[name] ??= []).push(listener);
}

export function emit(name, ...details) {
  for (const listener of listeners[name] ?? []) listener(...details);
}

export const known = { models: null };

let current = kept.get("current");

export const currentKey = () => current;

/** What is looked at: a job, a file on its way, or null. */
export const currentItem = () => jobs.get(current) ?? uploads.get(current) ?? null;

export const isJob = (item) => item !== null && "links" in item;
export const keyOf = (item) => (isJob(item) ? item.id : item.key);
export const isOver = (item) => ["done", "failed", "cancelled"].includes(item.state);

export function choose(key) {
  if (current === key) return;
  current = key;
  if (key === null || jobs.has(key)) kept.set("current", key ?? "");
  emit("current");
}

/** All, oldest first: the order in which they were added and are worked on. */
export function items() {
  const shown = [...jobs.values()].filter((job) => !early.has(job.id));
  const sent = shown.sort((a, b) => (a.created < b.created ? -1 : a.created > b.created ? 1 : 0));
  return [...sent, ...uploads.values()];
}

/** Whether a new job may be that of a file whose answer is on its way: events and answers come in any order. */
function awaited(job) {
  const there = (upload) => upload.state === "uploading" && (upload.progress === 1 || upload.name === job.name);
  return [...uploads.values()].some(there);
}

/** The upload in work has been answered, or failed: whatever else was heard of meanwhile is another tab's. */
export function answered() {
  if (!early.size) return;
  early.clear();
  settleCurrent();
  emit("jobs");
}

export function putJob(job) {
  const before = jobs.get(job.id);
  if (!before && awaited(job)) early.add(job.id);
  fresh.add(job.id);
  jobs.set(job.id, job);
  emit("job", job, before);
  settleCurrent();
  emit("jobs");
}

/** A file has arrived: the job takes its place. */
export function arrived(key, job) {
  const looked = current === key;
  uploads.delete(key);
  jobs.set(job.id, jobs.get(job.id) ?? job);
  fresh.add(job.id);
  early.delete(job.id);
  emit("arrived", key, job.id);
  if (looked) choose(job.id);
  emit("jobs");
}

/** To be called before the whole list is asked for: what is heard of from then on is newer than the list. */
export const beginList = () => fresh.clear();

/** The whole list anew, as after a reconnection: what the server no longer has is forgotten. */
export function putAll(list) {
  const there = new Set(list.map((job) => job.id));
  for (const id of [...jobs.keys()]) if (!there.has(id) && !fresh.has(id)) jobs.delete(id);
  for (const job of list) {
    // Newer is known, or it was removed meanwhile.
    if (fresh.has(job.id)) continue;
    const before = jobs.get(job.id);
    if (!before && awaited(job)) early.add(job.id);
    jobs.set(job.id, job);
    if (before) emit("job", job, before);
  }
  listed = true;
  settleCurrent();
  emit("jobs");
}

/** Forget one; the one after it, or the last, is looked at next. */
export function drop(key) {
  const order = items().map(keyOf);
  const place = order.indexOf(key);
  jobs.delete(key);
  fresh.add(key);
  uploads.delete(key);
  if (current === key) choose(order[place + 1] ?? order[place - 1] ?? null);
  emit("jobs");
}

/** Where nothing is looked at, look at the last; not before the whole list is known, which may hold what was chosen. */
function settleCurrent() {
  if (!listed || currentItem() !== null) return;
  const all = items();
  choose(all.length ? keyOf(all[all.length - 1]) : null);
}
