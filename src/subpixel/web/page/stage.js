// The stage: the one thing that is looked at. Empty, on its way, previewed, finished, or gone wrong.

import { byId, el, icon, setBar, setText } from "/page/dom.js";
import { isComparing, momentOf, play, showTools, start as startFilm } from "/page/film.js";
import { inWords } from "/page/messages.js";
import { isActive, stateWords } from "/page/queue.js";
import * as scenes from "/page/scenes.js";
import { fields, formatName } from "/page/settings.js";
import { currentItem, isJob, keyOf, on } from "/page/store.js";
import { retry } from "/page/uploads.js";
import { again, cancel, remove } from "/page/work.js";
import { bytes, current, duration, onLanguage, pixels, say } from "/page/words.js";
import { inChinese } from "/page/words/notes.js";

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
  const notes = (result.notes ?? []).map((note) => (current() === "zh" ? inChinese(note) : note));
  return [say("facts.done", parts), ...notes].join(" · ");
}

function renderProgress(item) {
  const active = isActive(item);
  byId("stage-progress").hidden = !active;
  if (!active) return;
  const moving = ["running", "uploading"].includes(item.state) && item.progress > 0;
  setBar(byId("stage-bar"), moving ? item.progress : null, say("stage.working", { name: item.name }));
  setText(byId("stage-progress-words"), stateWords(item));
}

/** What can be done now: {words, kind, icon, does(item)}, or with `href` for what is fetched. */
function actionsFor(item) {
  const trying = trial === keyOf(item);
  const cancelIt = { words: "action.cancel", kind: "secondary", does: (one) => cancel(keyOf(one)) };
  const removeIt = { words: "action.remove", kind: "secondary", does: (one) => remove(keyOf(one)) };
  const againIt = { words: "action.again", kind: trying ? "primary" : "secondary", icon: "again", does: redo };
  if (!isJob(item)) {
    if (item.state !== "failed") return [cancelIt];
    const retryIt = { words: "action.retry", kind: "secondary", icon: "again", does: (one) => retry(keyOf(one)) };
    return mayGoWell(item.problem) ? [retryIt, removeIt] : [removeIt];
  }
  if (isActive(item)) return trying ? [againIt, cancelIt] : [cancelIt];
  if (item.state !== "done") return isDamaged(item.problem) ? [removeIt] : [againIt, removeIt];
  if (trying) return [{ words: "action.back", kind: "secondary", does: endTrial }, againIt];
  return [{ words: "action.download", kind: "primary", icon: "download", href: item.links.result }];
}

/** Buttons are made anew only where others are needed: one that is about to be pressed stays. */
function renderActions(item) {
  const actions = actionsFor(item);
  const now = JSON.stringify([actions, document.documentElement.lang]);
  if (now === drawn) return;
  drawn = now;
  const place = byId("stage-actions");
  const held = place.contains(document.activeElement);
  place.replaceChildren(...actions.map(buttonFor));
  if (held) (place.querySelector("button, a") ?? byId("stage")).focus();
}

function buttonFor({ words, kind, icon: drawing, href, does }) {
  const inside = [drawing ? icon(drawing) : null, el("span", {}, say(words))];
  if (href) return el("a", { class: `button ${kind}`, href, download: "" }, ...inside);
  return el("button", { type: "button", class: kind, onclick: () => currentItem() && does(currentItem()) }, ...inside);
}

/** Worth trying again as it is: what was refused for itself is refused again. */
const mayGoWell = (problem) => problem.slug === "unreachable" || problem.status === 429 || problem.status >= 500;

/** A file that no other settings will help. */
const isDamaged = (problem) => /:(truncated|not-a-picture|unsupported|empty)$/.test(problem?.type ?? "");

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
  const made = isJob(item) && item.kind === "video" && item.state === "done" && !trying && !wrong;
  const film = made && !isComparing();
  const picture = isJob(item) && !wrong && !film && (item.state !== "cancelled" || trying);
  byId("trouble").hidden = !wrong;
  byId("film").hidden = !film;
  byId("viewer").hidden = !(picture || (!wrong && !film));
  byId("viewer-tools").hidden = !picture;
  if (wrong) showTrouble(problem ?? {});
  play(film ? item : null);
  showTools(made ? item : null);
  if (!picture) {
    if (!isJob(item) && !wrong) scenes.showLocal(item);
    else scenes.clear();
    return;
  }
  const previewing = item.state !== "done" || trying;
  const difference = document.querySelector('#compare input[value="difference"]');
  difference.disabled = previewing;
  const of = compareNow(previewing);
  document.querySelector(`#compare input[value="${of}"]`).checked = true;
  if (!previewing) scenes.showResult(item, of, made ? momentOf(item) : null);
  else {
    const words = item.kind === "video" ? "preview.frame" : "preview.note";
    scenes.showPreview(item, of, words, JSON.stringify(fields(item.kind)));
  }
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
  startFilm(render);
  byId("compare").addEventListener("change", (event) => {
    compare = event.target.value;
    render();
  });
  render();
}
