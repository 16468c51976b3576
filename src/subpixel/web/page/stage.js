// The stage: the one thing that is looked at. Empty, on its way, previewed, finished, or gone wrong.

import { byId, el, icon, setBar, setText } from "/page/dom.js";
import { inWords } from "/page/messages.js";
import { isActive, stateWords } from "/page/queue.js";
import * as scenes from "/page/scenes.js";
import { fields, formatName } from "/page/settings.js";
import { currentItem, isJob, keyOf, on } from "/page/store.js";
import { retry } from "/page/uploads.js";
import { again, cancel, remove } from "/page/work.js";
import { bytes, duration, onLanguage, pixels, say } from "/page/words.js";

let compare = "source";
let trial = null; // key of the job whose settings a person is changing
let complaint = null; // why "again" was refused
let drawn = "";

const compareNow = (previewing) => (previewing && compare === "difference" ? "bicubic" : compare);

function render() {
  const item = currentItem();
  byId("app").dataset.view = item ? "work" : "empty";
  byId("drop").hidden = item !== null;
  byId("work").hidden = item === null;
  if (item === null) {
    scenes.clear();
    drawn = "";
    return;
  }
  setText(byId("stage-name"), item.name);
  byId("stage-name").title = item.name;
  setText(byId("stage-facts"), facts(item));
  renderProgress(item);
  renderActions(item);
  renderView(item);
}

function facts(item) {
  if (!isJob(item)) return bytes(item.file.size);
  const from = pixels(item.width, item.height);
  if (!item.result) return say("facts.source", { from, format: formatName(item.format) });
  const { result } = item;
  const factor = `×${Math.round(result.scale * 100) / 100}`;
  const parts = {
    from, to: pixels(result.width, result.height), model: result.model, factor, time: duration(result.seconds), bytes: `${formatName(result.format)} ${bytes(result.bytes)}`,
  };
  return [say("facts.done", parts), ...(result.notes ?? [])].join(" · ");
}

function renderProgress(item) {
  const active = isActive(item);
  byId("stage-progress").hidden = !active;
  if (!active) return;
  const moving = ["running", "uploading"].includes(item.state) && item.progress > 0;
  setBar(byId("stage-bar"), moving ? item.progress : null, say("stage.working", { name: item.name }));
  setText(byId("stage-progress-words"), stateWords(item));
}

function renderActions(item) {
  const key = keyOf(item);
  const trying = trial === key;
  const now = [key, item.state, trying, document.documentElement.lang, complaint?.slug].join("/");
  if (now === drawn) return;
  drawn = now;
  const place = byId("stage-actions");
  const held = place.contains(document.activeElement);
  const button = (kind, drawing, words, does) =>
    el("button", { type: "button", class: kind, onclick: does }, drawing ? icon(drawing) : null, el("span", {}, say(words)));
  const made = [];
  if (!isJob(item)) {
    if (item.state === "failed" && mayGoWell(item.problem)) made.push(button("secondary", "again", "action.retry", () => retry(key)));
    made.push(button("secondary", null, item.state === "failed" ? "action.remove" : "action.cancel", () => remove(key)));
  } else {
    const over = !isActive(item);
    if (trying && item.state === "done") made.push(button("quiet", null, "action.back", endTrial));
    if (trying || (over && item.state !== "done")) made.push(button(trying ? "primary" : "secondary", "again", "action.again", () => redo(item)));
    if (item.state === "done") {
      const kind = trying ? "secondary" : "primary";
      made.push(el("a", { class: `button ${kind}`, href: item.links.result, download: "" }, icon("download"), el("span", {}, say("action.download"))));
    } else if (over) made.push(button("secondary", null, "action.remove", () => remove(key)));
    else made.push(button("secondary", null, "action.cancel", () => cancel(key)));
  }
  place.replaceChildren(...made);
  if (held) (place.querySelector("button, a") ?? byId("stage")).focus();
}

/** Worth trying again as it is: what was refused for itself is refused again. */
const mayGoWell = (problem) => problem.slug === "unreachable" || problem.status === 429 || problem.status >= 500;

async function redo(job) {
  complaint = await again(job);
  if (complaint === null) trial = null;
  render();
}

function endTrial() {
  trial = null;
  complaint = null;
  render();
}

function renderView(item) {
  const trying = trial === keyOf(item);
  const problem = complaint ?? item.problem;
  const wrong = item.state === "failed" || complaint !== null;
  const film = isJob(item) && item.kind === "video" && item.state === "done" && !trying;
  const picture = isJob(item) && !wrong && !film && (item.state !== "cancelled" || trying);
  byId("trouble").hidden = !wrong;
  byId("film").hidden = !film || wrong;
  byId("viewer").hidden = !(picture || (!wrong && !film));
  byId("viewer-tools").hidden = !picture;
  if (wrong) showTrouble(problem ?? {});
  if (film && !wrong) showFilm(item);
  else dropFilm();
  if (!picture) {
    scenes.clear();
    return;
  }
  const previewing = item.state !== "done" || trying;
  const difference = document.querySelector('#compare input[value="difference"]');
  difference.disabled = previewing;
  const of = compareNow(previewing);
  document.querySelector(`#compare input[value="${of}"]`).checked = true;
  if (!previewing) scenes.showResult(item, of);
  else {
    const words = trying && item.state === "done" ? say("preview.trial") : say("preview.note");
    scenes.showPreview(item, of, words, JSON.stringify(fields(item.kind)));
  }
}

function showFilm(job) {
  const place = byId("film");
  if (place.dataset.job === job.id) return;
  place.dataset.job = job.id;
  const sorry = el("p", { class: "film-sorry", hidden: true }, say("film.unplayable", { format: formatName(job.result.format) }));
  const video = el("video", { controls: true, preload: "metadata", "aria-label": say("film.label", { name: job.name }) });
  video.addEventListener("error", () => {
    video.hidden = true;
    sorry.hidden = false;
  });
  video.src = job.links.result;
  place.replaceChildren(video, sorry);
}

function dropFilm() {
  const place = byId("film");
  if (!place.dataset.job) return;
  delete place.dataset.job;
  place.replaceChildren();
}

function showTrouble(problem) {
  const words = inWords(problem);
  const now = JSON.stringify(words);
  const place = byId("trouble");
  if (place.dataset.now === now && place.firstChild) return;
  place.dataset.now = now;
  const lang = words.foreign ? "en" : null;
  place.replaceChildren(
    el(
      "div", { class: "trouble-inside" }, el("h3", {}, icon("warning"), words.title),
      words.detail ? el("p", { lang }, words.detail) : null, words.right ? el("p", {}, words.right) : null,
    ),
  );
}

export function start() {
  on("current", () => {
    trial = null;
    complaint = null;
    render();
  });
  on("jobs", render);
  on("progress", (upload) => upload === currentItem() && renderProgress(upload));
  on("settings", () => {
    const item = currentItem();
    complaint = null;
    if (item && isJob(item)) trial = keyOf(item);
    render();
  });
  onLanguage(() => {
    drawn = "";
    render();
  });
  byId("compare").addEventListener("change", (event) => {
    compare = event.target.value;
    render();
  });
  render();
}
