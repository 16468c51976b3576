// The settings: how large, which model, which format. They hold for what is added next; changing them while a picture
// is looked at shows a preview of it with the new ones ("settings" is emitted with true where a person changed them).

import { byId, el, kept, setText } from "/page/dom.js";
import { askJson } from "/page/server.js";
import { currentItem, emit, isJob, known, on } from "/page/store.js";
import { duration, megapixels, onLanguage, pixels, say, sayIfKnown } from "/page/words.js";

const QUALITIES = ["fast", "balanced", "best"];
const DEFAULTS = {
  by: "scale", scale: 4, width: 1920, height: 1080, choice: "balanced", model: "", restore: "auto", picture: "same", video: "same",
};
const FORMAT_NAMES = { jpeg: "JPEG", webp: "WebP", tiff: "TIFF", png: "PNG", avif: "AVIF", gif: "GIF", bmp: "BMP", ppm: "PPM" };

const MEASURING = 4000; // ms until the server is asked again for times that it does not know yet
const chosen = load();
let estimate = null;
let asking = new AbortController();
let asleep = 0;

function load() {
  try {
    const stored = JSON.parse(kept.get("settings") ?? "{}");
    const fits = Object.entries(stored).filter(([name, value]) => typeof value === typeof DEFAULTS[name]);
    return { ...DEFAULTS, ...Object.fromEntries(fits) };
  } catch {
    return { ...DEFAULTS };
  }
}

export const formatName = (format) => FORMAT_NAMES[format] ?? format.toUpperCase();

/** As the fields of POST /v1/jobs, for a picture or a video. */
export function fields(kind) {
  return { ...size(), ...model(), restore: chosen.restore, format: chosen[kind] };
}

/** Factor for a picture of that size, for previews. */
export function factorFor(width, height) {
  if (chosen.by === "scale") return chosen.scale;
  return Math.min(16, chosen.width / width, chosen.height / height);
}

/** As the fields of POST /v1/preview. */
export const previewFields = (width, height) => ({ scale: String(factorFor(width, height)), ...model(), restore: chosen.restore });

const size = () => (chosen.by === "scale" ? { scale: String(chosen.scale) } : { size: `${chosen.width}x${chosen.height}` });

const model = () => (chosen.choice === "another" && chosen.model ? { model: chosen.model } : { quality: quality() });

const quality = () => (QUALITIES.includes(chosen.choice) ? chosen.choice : DEFAULTS.choice);

export function isVideo(file) {
  return file.type.startsWith("video/") || /\.(mp4|m4v|mov|mkv|webm|avi|mpg|mpeg|ts|wmv|flv)$/i.test(file.name);
}

function change(part) {
  Object.assign(chosen, part);
  kept.set("settings", JSON.stringify(chosen));
  showSize();
  guess();
  emit("settings", true);
}

/** Build what depends on the server's models; called again when they or the language change. */
function build() {
  const models = known.models;
  if (!models) return;
  buildFactors(models.factors);
  buildModels(models);
  buildFormats();
  byId("restore").value = chosen.restore;
  byId("width").value = chosen.width;
  byId("height").value = chosen.height;
  showSize();
  showCosts();
}

function buildFactors(factors) {
  const place = byId("factors");
  const radio = (value, words, checked) =>
    el("label", {}, el("input", { type: "radio", name: "factor", value, checked, onchange: () => pickFactor(value) }), el("span", {}, words));
  const rows = factors.map((factor) => radio(String(factor), `×${factor}`, chosen.by === "scale" && chosen.scale === factor));
  rows.push(radio("size", say("settings.other"), chosen.by === "size"));
  place.replaceChildren(place.querySelector("legend"), ...rows);
}

function pickFactor(value) {
  change(value === "size" ? { by: "size" } : { by: "scale", scale: Number(value) });
}

function buildModels(models) {
  const place = byId("models");
  const others = families(models.models.filter((one) => !one.default));
  if (chosen.choice === "another" && !others.has(chosen.model)) {
    // A model of an earlier visit that is not there any more.
    chosen.model = "";
    chosen.choice = DEFAULTS.choice;
  }
  const rows = QUALITIES.filter((name) => models.qualities.includes(name)).map((name) =>
    card(name, say(`quality.${name}`), say(`quality.${name}.for`)),
  );
  if (others.size) rows.push(card("another", say("settings.another"), say("another.for")), otherModels(others));
  place.replaceChildren(place.querySelector("legend"), ...rows);
}

const titleOf = (one) => one.title.replace(/\s*×\d+( and ×\d+)*$/, "");

/** Models of one family differ only in their factor: they are one choice. */
function families(models) {
  const found = new Map();
  for (const one of models) found.set(one.family, [...(found.get(one.family) ?? []), one]);
  return found;
}

function card(value, title, summary) {
  const pick = () => {
    change({ choice: value, model: value === "another" ? chosen.model || byId("other-model").value : chosen.model });
    byId("other-model").parentElement.hidden = value !== "another";
  };
  const input = el("input", {
    type: "radio", name: "model", value, checked: chosen.choice === value, "aria-labelledby": `model-${value}`,
    "aria-describedby": `for-${value} cost-${value}`, onchange: pick,
  });
  return el(
    "label", { class: "card" }, input, el("b", { id: `model-${value}` }, title),
    el("span", { class: "cost", id: `cost-${value}` }), el("small", { id: `for-${value}` }, summary),
  );
}

function otherModels(others) {
  const list = el("select", {
    id: "other-model",
    "aria-label": say("settings.which"),
    "aria-describedby": "other-summary",
    onchange: (event) => {
      change({ choice: "another", model: event.target.value });
      showSummary();
    },
  });
  const titles = [...others.values()].map(([one]) => titleOf(one));
  for (const [family, [one]] of others) {
    const title = titleOf(one);
    const alone = titles.filter((other) => other === title).length === 1;
    list.append(el("option", { value: family }, alone ? title : `${title} (${family})`));
  }
  if (chosen.model) list.value = chosen.model;
  const place = el("div", { class: "other-models", hidden: chosen.choice !== "another" }, list, el("p", { class: "fine", id: "other-summary" }));
  queueMicrotask(showSummary);
  return place;
}

function showSummary() {
  const members = known.models?.models.filter((one) => one.family === byId("other-model")?.value) ?? [];
  const one = members.find((member) => member.scales.includes(chosen.scale)) ?? members[0];
  if (one) setText(byId("other-summary"), sayIfKnown(`model.${one.family}`) ?? one.summary);
}

function buildFormats() {
  const kind = kindNow();
  const formats = kind === "video" ? known.models.video_formats : known.models.formats;
  const list = byId("format");
  const rows = formats.filter((format) => format !== "same").map((format) => el("option", { value: format }, formatName(format)));
  list.replaceChildren(el("option", { value: "same" }, say("settings.same")), ...rows);
  if (![...list.options].some((option) => option.value === chosen[kind])) chosen[kind] = "same";
  list.value = chosen[kind];
}

function kindNow() {
  const item = currentItem();
  if (item === null) return "picture";
  return isJob(item) ? item.kind : isVideo(item.file) ? "video" : "picture";
}

/** Size of the result for what is looked at, or why it is not possible. */
function showSize() {
  byId("size-fields").hidden = chosen.by !== "size";
  const item = currentItem();
  const words = byId("size-words");
  words.classList.remove("wrong");
  const within = chosen.by === "size" ? say("settings.within") : "";
  if (!item || !isJob(item)) {
    setText(words, within);
    return;
  }
  const result = resultOf(item);
  const area = result[0] * result[1];
  const limit = known.models?.limits.result_pixels ?? Infinity;
  const large = area > limit;
  words.classList.toggle("wrong", large);
  const key = large ? "settings.toolarge" : "settings.fits";
  const values = { result: pixels(...result), pixels: megapixels(area), limit: megapixels(limit) };
  setText(words, [say(key, values), large ? "" : within].filter(Boolean).join(" · "));
}

/** Width and height of the result: as the server said, or until it has, as computed here. */
function resultOf(item) {
  if (estimate?.of === item && estimate.by === JSON.stringify(size())) return [estimate.width, estimate.height];
  const factor = factorFor(item.width, item.height);
  return [item.width, item.height].map((side) => Math.max(1, Math.round(side * factor)));
}

/** Ask how long each model would take for what is looked at. */
async function guess() {
  asking.abort();
  asking = new AbortController();
  clearTimeout(asleep);
  const { signal } = asking;
  const item = currentItem();
  let answer = null;
  if (item && isJob(item)) {
    const query = new URLSearchParams({ width: item.width, height: item.height, frames: item.frames ?? 1, ...size() });
    try {
      answer = await askJson(`/v1/estimate?${query}`, { signal });
      Object.assign(answer, { of: item, by: JSON.stringify(size()) });
    } catch {
      if (signal.aborted) return;
    }
  }
  estimate = answer;
  showSize();
  showCosts();
  const unknown = answer && Object.values(answer.qualities).some((seconds) => seconds === null);
  if (unknown && !document.hidden) asleep = setTimeout(guess, MEASURING);
}

function showCosts() {
  for (const name of QUALITIES) showCost(name, estimate?.qualities?.[name]);
  showCost("another", chosen.choice === "another" ? estimate?.seconds?.[chosen.model] : null);
}

function showCost(name, seconds) {
  const place = byId(`cost-${name}`);
  if (place) setText(place, typeof seconds === "number" ? about(seconds) : "");
}

// "Under 0.1 s" is about already.
const about = (seconds) => (seconds < 0.095 ? duration(seconds) : say("cost.about", { time: duration(seconds) }));

function typedSize() {
  const [width, height] = ["width", "height"].map((id) => Math.round(Number(byId(id).value)));
  if (!(width >= 1 && height >= 1)) {
    setText(byId("size-words"), say("settings.badsize"));
    byId("size-words").classList.add("wrong");
    return;
  }
  change({ by: "size", width, height });
}

export function start() {
  byId("settings").addEventListener("submit", (event) => event.preventDefault());
  for (const id of ["width", "height"]) byId(id).addEventListener("change", typedSize);
  byId("format").addEventListener("change", (event) => change({ [kindNow()]: event.target.value }));
  byId("restore").addEventListener("change", (event) => change({ restore: event.target.value }));
  let shown = null;
  const follow = () => {
    const item = currentItem();
    const key = item ? `${item.id ?? item.key}` : null;
    if (key === shown) return;
    shown = key;
    if (known.models) buildFormats();
    showSize();
    guess();
  };
  on("current", follow);
  on("jobs", follow);
  on("models", () => (build(), guess()));
  onLanguage(build);
}
