// A part of a picture, enlarged at once, while the whole waits or after the settings were changed.

import { ask, Problem } from "/page/server.js";
import { previewFields } from "/page/settings.js";

const WIDE = 720;
const HIGH = 540;
const TRIES = 8;

/** The part of a source that gives a preview of about 720 × 540 at a factor, around a centre from 0 to 1. */
export function partOf(job, factor, centre) {
  const w = Math.max(8, Math.min(job.width, Math.round(WIDE / Math.max(factor, 1))));
  const h = Math.max(8, Math.min(job.height, Math.round(HIGH / Math.max(factor, 1))));
  const width = Math.min(w, job.width);
  const height = Math.min(h, job.height);
  const hold = (share, side, part) => Math.round(Math.min(side - part, Math.max(0, share * side - part / 2)));
  return { x: hold(centre.x, job.width, width), y: hold(centre.y, job.height, height), w: width, h: height };
}

/** A part of one of a job's pictures: {of, x, y, w, h, width}. */
export async function viewOf(job, part, signal) {
  const query = new URLSearchParams(part);
  const answer = await patiently(() => ask(`${job.links.view}?${query}`, { signal }), signal);
  return createImageBitmap(await answer.blob());
}

/** The part enlarged with the settings of now, or by a given model. */
export async function enlarged(job, part, signal, model = null) {
  const form = new FormData();
  form.append("job", job.id);
  for (const [name, value] of Object.entries(part)) form.append(name, String(value));
  const settings = previewFields(job.width, job.height);
  if (model) {
    delete settings.quality;
    Object.assign(settings, { model, restore: "clean" });
  }
  for (const [name, value] of Object.entries(settings)) form.append(name, value);
  const answer = await patiently(() => ask("/v1/preview", { method: "POST", body: form, signal }), signal);
  return createImageBitmap(await answer.blob());
}

/** Where the server is busy, ask again when it said. */
async function patiently(request, signal) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await request();
    } catch (error) {
      const busy = error instanceof Problem && (error.status === 429 || error.status === 503);
      if (!busy || tries === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.min(error.wait ?? 1, 5) * 1000));
      signal.throwIfAborted();
    }
  }
}
