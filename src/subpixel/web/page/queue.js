// The queue: a row for each file or job. Rows are changed in place, so that focus and what is read out stay.

import { byId, el, icon, setBar, setText } from "/page/dom.js";
import { cancel, clearFinished, remove } from "/page/work.js";
import { choose, currentKey, isJob, isOver, items, jobs, keyOf, on } from "/page/store.js";
import { inWords } from "/page/messages.js";
import { duration, onLanguage, percent, pixels, say } from "/page/words.js";

const rows = new Map();
const batch = new Set();

/** One line on where an item stands. */
export function stateWords(item) {
  const share = percent(item.progress);
  switch (item.state) {
    case "uploading":
      return say("state.uploading", { percent: share });
    case "held":
      return say("state.held", { time: duration(Math.max(1, (item.retryAt - Date.now()) / 1000)) });
    case "queued":
      return item.position ? say("state.queued.position", { position: item.position }) : say("state.queued");
    case "running":
      return typeof item.seconds_left === "number" && item.seconds_left >= 1
        ? say("state.running.left", { percent: share, time: duration(item.seconds_left) })
        : say("state.running", { percent: share });
    case "done":
      return say("state.done", { size: pixels(item.result.width, item.result.height) });
    case "failed":
      return say("state.failed", { title: inWords(item.problem ?? {}).title });
    default:
      return say(`state.${item.state}`);
  }
}

export const isActive = (item) => !isOver(item);

function render() {
  const all = items();
  byId("queue").hidden = all.length === 0;
  for (const [key, row] of rows) {
    if (all.some((item) => keyOf(item) === key)) continue;
    row.element.remove();
    rows.delete(key);
  }
  let before = null;
  for (const item of all) {
    const row = rows.get(keyOf(item)) ?? newRow(item);
    update(row, item);
    const place = before ? before.nextElementSibling : byId("items").firstElementChild;
    if (place !== row.element) byId("items").insertBefore(row.element, place);
    before = row.element;
  }
  renderOverall(all);
}

function newRow(item) {
  const key = keyOf(item);
  const parts = {
    thumb: el("span", { class: "thumb" }, icon("picture")),
    name: el("span", { class: "item-name" }),
    state: el("span", { class: "item-state" }),
    bar: el("span", { class: "bar", "aria-hidden": "true" }, el("span")),
    tools: el("div", { class: "item-tools" }),
  };
  const text = el("span", { class: "item-text" }, parts.name, parts.state, parts.bar);
  parts.open = el("button", { type: "button", class: "item-open", onclick: () => choose(key) }, parts.thumb, text);
  parts.element = el("li", { class: "item" }, parts.open, parts.tools);
  parts.drawn = "";
  rows.set(key, parts);
  return parts;
}

function update(row, item) {
  const words = stateWords(item);
  const active = isActive(item);
  row.element.dataset.state = item.state;
  setText(row.name, item.name);
  setText(row.state, words);
  row.state.title = words;
  row.bar.hidden = !active || !["running", "uploading"].includes(item.state);
  if (!row.bar.hidden) row.bar.firstElementChild.style.width = percent(item.progress).replace(" ", "");
  const current = keyOf(item) === currentKey();
  row.element.toggleAttribute("data-current", current);
  if (current) row.open.setAttribute("aria-current", "true");
  else row.open.removeAttribute("aria-current");
  drawThumb(row, item);
  drawTools(row, item, active);
}

function drawThumb(row, item) {
  if (!isJob(item) || row.pictured) return;
  row.pictured = true;
  const picture = el("img", { alt: "", loading: "lazy", decoding: "async", width: 48, height: 40 });
  picture.addEventListener("error", () => picture.replaceWith(icon(item.kind === "video" ? "film" : "picture")));
  picture.src = `${item.links.view}?of=source&width=144`;
  row.thumb.replaceChildren(picture);
}

function drawTools(row, item, active) {
  const now = `${active}/${item.state === "done"}/${document.documentElement.lang}`;
  if (row.drawn === now) return;
  row.drawn = now;
  const held = row.tools.contains(document.activeElement);
  const key = keyOf(item);
  const { name } = item;
  const tools = [];
  if (item.state === "done") {
    tools.push(
      el("a", { class: "button quiet icon-only", href: item.links.result, download: "", "aria-label": say("item.download", { name }), title: say("action.download") }, icon("download")),
    );
  }
  const [words, drawing, does] = active
    ? [say("item.cancel", { name }), "close", () => cancel(key)]
    : [say("item.remove", { name }), "bin", () => removeRow(key)];
  tools.push(el("button", { type: "button", class: "quiet icon-only", "aria-label": words, title: say(active ? "action.cancel" : "action.remove"), onclick: does }, icon(drawing)));
  row.tools.replaceChildren(...tools);
  if (held) row.open.focus();
}

/** Remove and go on where the reader was: at the next row, or where one adds. */
async function removeRow(key) {
  const element = rows.get(key)?.element;
  const next = element?.nextElementSibling ?? element?.previousElementSibling;
  await remove(key);
  const target = next?.querySelector(".item-open") ?? (byId("queue").hidden ? byId("choose") : byId("add"));
  target.focus();
}

/** Progress over all that were added since nothing was left to do. */
function renderOverall(all) {
  const active = all.filter(isActive);
  if (active.length && ![...batch].some((key) => active.some((item) => keyOf(item) === key))) batch.clear();
  for (const item of active) batch.add(keyOf(item));
  const mine = all.filter((item) => batch.has(keyOf(item)));
  const over = mine.filter((item) => !isActive(item)).length;
  byId("overall").hidden = mine.length < 2;
  if (mine.length > 1) {
    const share = mine.reduce((sum, item) => sum + (isActive(item) ? (isJob(item) ? item.progress : 0) : 1), 0) / mine.length;
    setBar(byId("overall-bar"), share, say("queue.label"));
    byId("overall-bar").hidden = over === mine.length;
    const well = mine.filter((item) => item.state === "done").length;
    const key = over < mine.length ? "queue.done" : well === over ? "queue.alldone" : "queue.somedone";
    setText(byId("overall-words"), say(key, { done: well, over, failed: over - well, total: mine.length }));
  }
  const finished = all.filter((item) => !isActive(item));
  byId("queue-foot").hidden = finished.length < 2;
  byId("download-all").hidden = done().length < 2;
}

const done = () => [...jobs.values()].filter((job) => job.state === "done");

export function start() {
  on("arrived", (key, id) => batch.has(key) && batch.add(id));
  on("jobs", render);
  on("current", () => {
    render();
    rows.get(currentKey())?.element.scrollIntoView({ block: "nearest" });
  });
  on("progress", (upload) => {
    const row = rows.get(upload.key);
    if (row) update(row, upload);
  });
  onLanguage(() => {
    for (const row of rows.values()) row.drawn = "";
    render();
  });
  byId("download-all").addEventListener("click", () => {
    const ids = done().sort((a, b) => (a.created < b.created ? -1 : 1)).map((job) => job.id);
    const link = el("a", { href: `/v1/zip?ids=${ids.join(",")}`, download: "" });
    document.body.append(link);
    link.click();
    link.remove();
  });
  byId("clear").addEventListener("click", async () => {
    await clearFinished();
    (byId("queue").hidden ? byId("choose") : byId("add")).focus();
  });
  // Held files count down.
  setInterval(() => items().some((item) => item.state === "held") && render(), 1000);
}
