// Puts the page together: words, theme, the connection, and every part.

import { byId, fillIcons, icon, kept, setText } from "/page/dom.js";
import { follow } from "/page/events.js";
import { listen } from "/page/gestures.js";
import * as intake from "/page/intake.js";
import { announce, inWords, warn } from "/page/messages.js";
import * as queue from "/page/queue.js";
import * as scenes from "/page/scenes.js";
import { askJson, onTokenWanted, onUnreachable, openSession, Problem } from "/page/server.js";
import * as settings from "/page/settings.js";
import * as stage from "/page/stage.js";
import { beginList, drop, emit, isJob, isOver, jobs, known, on, putAll, putJob } from "/page/store.js";
import { askForToken } from "/page/token.js";
import { sending, setOnline } from "/page/uploads.js";
import { Viewer } from "/page/viewer.js";
import { apply, bytes, current, duration, onLanguage, pixels, say, setLanguage } from "/page/words.js";

const THEMES = ["system", "light", "dark"];
const THEME_ICONS = { system: "system", light: "sun", dark: "moon" };

let tryNow = () => {};
let lost = false;
let countdown = 0;

// --- Language and colours -------------------------------------------------------------------------------------------

function showTheme() {
  const now = document.documentElement.dataset.theme ?? "system";
  const button = byId("theme");
  button.replaceChildren(icon(THEME_ICONS[now]));
  button.setAttribute("aria-label", say(`theme.${now}`));
  button.title = say(`theme.${now}`);
}

function nextTheme() {
  const now = document.documentElement.dataset.theme ?? "system";
  const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
  if (next === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  kept.set("theme", next);
  showTheme();
  announce(say(`theme.${next}`));
  dispatchEvent(new Event("resize"));
}

function showLanguage() {
  const button = byId("language");
  const other = current() === "zh" ? "en" : "zh";
  button.textContent = other === "zh" ? "中文" : "English";
  button.lang = other === "zh" ? "zh-CN" : "en";
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  setText(document.querySelector(".promise"), local ? say("promise") : say("promise.remote", { host: location.hostname }));
  showLimits();
  showTheme();
}

function showLimits() {
  const limits = known.models?.limits;
  const values = limits && { bytes: bytes(limits.upload_bytes), pixels: Math.round(limits.pixels / 1e6) };
  setText(byId("drop-limits"), limits ? say("drop.limits", values) : "");
}

// --- Connection -----------------------------------------------------------------------------------------------------

/** What a new connection needs: models and limits may have changed, jobs surely have. */
async function refresh() {
  try {
    await openSession();
    known.models = await askJson("/v1/models");
    emit("models");
    showLimits();
    beginList();
    putAll((await askJson("/v1/jobs")).jobs);
    setOnline(true);
  } catch (error) {
    if (error instanceof Problem && error.status !== 401) warn(inWords(error).title);
  }
}

/** While nobody sees the page: how far things are, for its title, and whether files can be sent. */
async function glance() {
  if (!sending() && [...jobs.values()].every(isOver)) return;
  try {
    beginList();
    putAll((await askJson("/v1/jobs")).jobs);
    setOnline(true);
  } catch {
    // Whoever comes back is told.
  }
}

const connection = {
  glance,
  open() {
    clearInterval(countdown);
    byId("connection").hidden = true;
    if (lost) announce(say("connection.back"));
    lost = false;
    refresh();
  },
  event(name, data) {
    if (name === "job") putJob(data);
    if (name === "removed" && jobs.has(data.id)) drop(data.id);
  },
  closed(seconds) {
    setOnline(false);
    let left = seconds;
    const show = () => {
      const words = left > 0 ? say("connection.lost", { time: duration(left) }) : say("connection.trying");
      setText(byId("connection-words"), words);
      left -= 1;
    };
    clearInterval(countdown);
    countdown = setInterval(show, 1000);
    show();
    // A short break, as when a computer wakes, is mended before anyone has to read of it.
    if (!lost) warn(say("connection.trying"));
    lost = true;
    byId("connection").hidden = false;
  },
};

// --- What is read out -----------------------------------------------------------------------------------------------

function tell(job, before) {
  if (!before || before.state === job.state) return;
  const { name } = job;
  if (job.state === "done") {
    const size = pixels(job.result.width, job.result.height);
    announce(say("said.done", { name, size, time: duration(job.result.seconds) }));
  }
  if (job.state === "failed") tellRefused(job);
}

function tellRefused(item) {
  const { title, right } = inWords(item.problem ?? {});
  warn(say("said.failed", { name: item.name, title, right: right ?? "" }));
}

// --- Start ----------------------------------------------------------------------------------------------------------

function start() {
  fillIcons();
  apply();
  showLanguage();
  onLanguage(showLanguage);
  byId("language").addEventListener("click", () => setLanguage(current() === "zh" ? "en" : "zh"));
  byId("theme").addEventListener("click", nextTheme);

  const viewer = new Viewer({
    frame: byId("viewer"), canvas: byId("canvas"), divider: byId("divider"), tagLeft: byId("tag-left"), tagRight: byId("tag-right"),
    zoomValue: byId("zoom-value"),
  });
  listen(viewer);
  byId("zoom-in").addEventListener("click", () => viewer.step(1));
  byId("zoom-out").addEventListener("click", () => viewer.step(-1));
  byId("zoom-fit").addEventListener("click", () => viewer.fit());
  byId("zoom-pixels").addEventListener("click", () => viewer.zoomTo(1));
  addEventListener("resize", () => viewer.redraw());
  onLanguage(() => viewer.redraw());
  byId("divider").setAttribute("aria-label", say("divider.label"));
  onLanguage(() => byId("divider").setAttribute("aria-label", say("divider.label")));

  scenes.start(viewer);
  settings.start();
  queue.start();
  stage.start();
  intake.start();
  on("job", tell);
  on("refused", tellRefused);
  on("jobs", () => {
    const done = [...jobs.values()].filter((job) => isJob(job) && job.state === "running").length;
    document.title = done ? `… subpixel` : "subpixel";
  });

  onTokenWanted((wrong) => askForToken(wrong, () => tryNow()));
  onUnreachable(() => !lost && tryNow());
  byId("connect-now").addEventListener("click", () => tryNow());
  addEventListener("online", () => lost && tryNow());
  addEventListener("pageshow", (event) => event.persisted && tryNow());
  tryNow = follow("/v1/events", connection);
}

start();
