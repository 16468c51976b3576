// What the viewer shows of a job: the result beside what it is compared with, or a preview of a part.

import { byId, setText } from "/page/dom.js";
import * as chart from "/page/chart.js";
import { inWords } from "/page/messages.js";
import { enlarged, partOf, viewOf } from "/page/preview.js";
import { Problem } from "/page/server.js";
import { factorFor } from "/page/settings.js";
import { Layer, layerOf } from "/page/tiles.js";
import { say } from "/page/words.js";

const LOCAL = 50e6; // bytes of a file that is shown before it is sent
let viewer = null;
let shown = { key: null, layers: {} };
let control = new AbortController();
let centre = { x: 0.5, y: 0.5 };
const small = new Map(); // thumbnails for the chart, by job

export function start(theViewer) {
  viewer = theViewer;
  viewer.moved = () => shown.kind === "result" && showChartOfView();
}

/** Nothing in the viewer. */
export function clear() {
  leave();
  viewer.show(null);
  note("");
  tags(null, null);
}

/** The file itself, as far as the browser can show it, until the server has it. */
export async function showLocal(upload) {
  const key = `local/${upload.key}`;
  if (shown.key === key) return;
  clear();
  shown = { key, kind: "local", layers: {} };
  const mine = shown;
  if (!upload.file.type.startsWith("image/") || upload.file.size > LOCAL) return;
  try {
    const layer = layerOf(await createImageBitmap(upload.file));
    if (mine !== shown) return;
    mine.layers.left = layer;
    tags("source", null);
    viewer.show({ key, name: upload.name, width: layer.width, height: layer.height, left: layer, right: null });
  } catch {
    // A format that browsers do not show, or no picture at all: the server will say.
  }
}

export const isShown = (key) => shown.key === key;

function leave() {
  control.abort();
  control = new AbortController();
  for (const layer of [...(shown.stale ?? []), ...Object.values(shown.layers)]) layer.close();
  shown = { key: null, layers: {} };
  chart.hide();
}

function note(words) {
  byId("viewer-note").hidden = !words;
  setText(byId("viewer-note"), words);
}

function tags(left, right) {
  setText(byId("tag-left"), left ? say(`tag.${left}`) : "");
  setText(byId("tag-right"), right ? say(`tag.${right}`) : "");
}

const why = (error) => {
  const words = error instanceof Problem ? inWords(error) : null;
  return words ? [words.title, words.detail].filter(Boolean).join(": ") : say("connection.trying");
};

/** The finished picture beside `of`: source, bicubic or difference; of a video, one frame: `at` tells which. */
export function showResult(job, of, at = null) {
  const key = `result/${job.id}`;
  if (shown.key !== key) {
    leave();
    shown = { key, kind: "result", job, at, layers: {} };
    note("");
    thumbnail(job);
  } else if (shown.at !== at) {
    // Another frame in the same place: what is there stays until the new one comes.
    const stale = [...(shown.stale ?? []), ...Object.values(shown.layers)];
    Object.assign(shown, { at, stale, layers: {} });
    const left = layerFor(job, of, at);
    const right = layerFor(job, "result", at);
    Object.assign(shown.layers, { [of]: left, result: right });
    const mine = shown.layers;
    Promise.all([left.all(), right.all()]).then(() => {
      if (shown.layers !== mine) return;
      for (const layer of shown.stale.splice(0)) layer.close();
      present(job, of);
    });
    return;
  }
  shown.layers.result ??= layerFor(job, "result", at);
  shown.layers[of] ??= layerFor(job, of, at);
  present(job, of);
}

function present(job, of) {
  const { width, height } = job.result;
  tags(of, "result");
  viewer.show({ key: shown.key, name: job.name, width, height, left: shown.layers[of], right: shown.layers.result });
}

function layerFor(job, of, at) {
  const { width, height } = of === "source" ? job : job.result;
  const when = at === null ? {} : { at };
  const part = (x, y, w, h, reduced) => ({ of, x, y, w, h, width: reduced, ...when });
  const layer = new Layer(width, height, (x, y, w, h, reduced, signal) => viewOf(job, part(x, y, w, h, reduced), signal));
  layer.failed = (error) => shown.job?.id === job.id && note(say("view.failed", { why: why(error) }));
  return layer;
}

/** The chart shows where one is, as soon as not all is seen. */
async function showChartOfView() {
  const { job, key } = shown;
  if (!viewer.canPan) {
    chart.hide();
    return;
  }
  const bitmap = small.get(job.id);
  if (!bitmap || shown.key !== key) return;
  const { width, height } = job.result;
  const { zoom, x, y } = viewer.view;
  const w = Math.min(1, viewer.size.width / zoom / width);
  const h = Math.min(1, viewer.size.height / zoom / height);
  const at = { x: Math.max(0, x / width - w / 2), y: Math.max(0, y / height - h / 2), w, h };
  chart.show(bitmap, at, "chart.view", (to) => {
    viewer.view.x = to.x * width;
    viewer.view.y = to.y * height;
    viewer.redraw();
  });
}

/** A small picture of the source, for the chart. */
async function thumbnail(job) {
  if (small.has(job.id)) return;
  const { signal } = control;
  try {
    small.set(job.id, await viewOf(job, { of: "source", width: Math.min(256, job.width) }, signal));
    if (small.size > 20) small.delete(small.keys().next().value);
    viewer.redraw();
  } catch {
    // Without it there is no chart, which nothing else needs.
  }
}

/**
 * A preview of a part with the settings of now. `of` is source or bicubic. Shown again with other settings, the part
 * stays where it is.
 */
export async function showPreview(job, of, words, settingsKey) {
  const key = `preview/${job.id}/${settingsKey}/${of}`;
  if (shown.key === key) {
    shown.words = words;
    tags(of, shown.ready ? "preview" : null);
    if (shown.ready) note(previewWords());
    return;
  }
  const stays = shown.job?.id === job.id && shown.kind === "preview";
  const fromResult = shown.job?.id === job.id && shown.kind === "result" && !viewer.fitted;
  if (fromResult) centre = { x: viewer.view.x / job.result.width, y: viewer.view.y / job.result.height };
  else if (!stays) centre = { x: 0.5, y: 0.5 };
  await makePreview(job, of, words, key, stays);
}

async function makePreview(job, of, words, key, stays) {
  const before = stays ? shown.layers : null;
  if (before) {
    // What is there stays until the new one comes.
    shown.layers = {};
    control.abort();
    control = new AbortController();
  } else leave();
  shown = { key, kind: "preview", job, words, layers: before ?? {} };
  const mine = shown;
  const { signal } = control;
  const factor = factorFor(job.width, job.height);
  const part = partOf(job, factor, centre);
  mine.whole = part.w === job.width && part.h === job.height;
  note(say("preview.making"));
  if (!before) viewer.show(null);
  thumbnail(job).then(() => mine === shown && showChartOfPart(job, of, part));
  const scene = {
    key: `preview/${job.id}`, name: job.name, width: Math.max(1, Math.round(part.w * factor)), height: Math.max(1, Math.round(part.h * factor)),
  };
  try {
    const left = of === "bicubic" ? await enlarged(job, part, signal, "bicubic") : await viewOf(job, { of: "source", ...part }, signal);
    if (!before) {
      mine.layers = { left: layerOf(left) };
      if (mine === shown) {
        tags(of, null);
        viewer.show({ ...scene, left: mine.layers.left, right: null });
      }
    }
    const right = await enlarged(job, part, signal);
    if (mine !== shown) return;
    for (const layer of Object.values(mine.layers)) layer.close();
    mine.layers = { left: layerOf(left), right: layerOf(right) };
    tags(of, "preview");
    viewer.show({ ...scene, ...mine.layers });
    mine.ready = true;
    note(previewWords());
  } catch (error) {
    if (signal.aborted || mine !== shown) return;
    note(say("preview.failed", { why: why(error) }));
  }
}

/** That it is a preview stands above it; more is said only where a part can be chosen, or a frame was. */
const previewWords = () => (shown.words === "preview.note" && shown.whole ? "" : say(shown.words));

function showChartOfPart(job, of, part) {
  const bitmap = small.get(job.id);
  if (!bitmap) return;
  const frame = { x: part.x / job.width, y: part.y / job.height, w: part.w / job.width, h: part.h / job.height };
  chart.show(bitmap, frame, "chart.preview", (to, settled) => {
    if (!settled || (to.x === centre.x && to.y === centre.y)) return;
    centre = to;
    makePreview(job, of, shown.words, shown.key, true);
  });
}
