// What can be done with a job: cancel, remove, make again.

import { ask, askJson, Problem } from "/page/server.js";
import { announce, inWords, warn } from "/page/messages.js";
import { choose, drop, isOver, items, jobs, keyOf, putJob, uploads } from "/page/store.js";
import { fields } from "/page/settings.js";
import { stop } from "/page/uploads.js";
import { say } from "/page/words.js";

/** Raised problems are said; what the server no longer has counts as gone. */
async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    if (error instanceof Problem && error.status !== 401) {
      const words = inWords(error);
      warn(`${words.title}. ${words.detail} ${words.right}`);
    }
    return null;
  }
}

const gone = (error) => {
  if (!(error instanceof Problem && error.status === 404)) throw error;
};

export async function cancel(key) {
  const job = jobs.get(key);
  if (!job) {
    announce(say("said.cancelled", { name: uploads.get(key)?.name ?? "" }));
    stop(key);
    return;
  }
  await attempt(async () => putJob(await askJson(`/v1/jobs/${key}/cancel`, { method: "POST" })));
  announce(say("said.cancelled", { name: job.name }));
}

export async function remove(key) {
  const job = jobs.get(key);
  if (!job) {
    announce(say("said.removed", { name: uploads.get(key)?.name ?? "" }));
    stop(key);
    return;
  }
  const removed = await attempt(async () => {
    await ask(`/v1/jobs/${key}`, { method: "DELETE" }).catch(gone);
    return true;
  });
  if (!removed) return;
  drop(key);
  announce(say("said.removed", { name: job.name }));
}

export async function clearFinished() {
  for (const item of items().filter(isOver)) await remove(keyOf(item));
}

/** The same upload with the settings of now; one that is not finished is replaced. Returns the problem, or null. */
export async function again(job) {
  const form = new FormData();
  form.append("of", job.id);
  for (const [name, value] of Object.entries(fields(job.kind))) form.append(name, value);
  try {
    const made = await askJson("/v1/jobs", { method: "POST", body: form });
    putJob(made);
    choose(made.id);
    if (!isOver(job)) await remove(job.id);
    return null;
  } catch (error) {
    return error;
  }
}
