// Two languages. Static words carry `data-words`, labels for screen readers `data-label`; all others ask `say`.

import { kept } from "/page/dom.js";
import { EN } from "/page/words/en.js";
import { ZH } from "/page/words/zh.js";

const BOOKS = { en: EN, zh: ZH };
const listeners = [];
let language = first();

function first() {
  const stored = kept.get("language");
  if (stored in BOOKS) return stored;
  const wanted = (navigator.languages ?? [navigator.language]).find((tag) => /^(en|zh)\b/i.test(tag)) ?? "en";
  return wanted.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export const current = () => language;

/** The words of a key with {names} filled in; with `count`, the singular where the language has one. */
export function say(key, values = {}) {
  const book = BOOKS[language];
  const one = values.count === 1 ? book[`${key}.one`] : undefined;
  const words = one ?? book[key] ?? EN[key] ?? key;
  return words.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** The same, or null where the language has no such words. */
export const sayIfKnown = (key, values) => (key in BOOKS[language] ? say(key, values) : null);

export function onLanguage(listener) {
  listeners.push(listener);
}

export function setLanguage(next) {
  language = next;
  kept.set("language", next);
  apply();
  for (const listener of listeners) listener();
}

/** Put the words into everything that is marked. */
export function apply(root = document) {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const place of root.querySelectorAll("[data-words]")) place.textContent = say(place.dataset.words);
  for (const place of root.querySelectorAll("[data-label]")) {
    place.setAttribute("aria-label", say(place.dataset.label));
    place.setAttribute("title", say(place.dataset.label));
  }
}

const number = (value, digits = 0) =>
  new Intl.NumberFormat(language === "zh" ? "zh-CN" : "en-GB", { maximumFractionDigits: digits }).format(value);

export const percent = (share) => `${Math.round(share * 100)} %`;

export const pixels = (width, height) => `${width} × ${height}`;

export function bytes(count) {
  if (count < 1000) return say("bytes", { n: count });
  const units = ["KB", "MB", "GB", "TB"];
  let value = count / 1000;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${number(value, value < 10 ? 1 : 0)} ${units[unit]}`;
}

export function duration(seconds) {
  if (seconds < 0.095) return say("time.instant");
  if (seconds < 9.95) return say("time.seconds", { n: number(seconds, 1) });
  if (seconds < 90) return say("time.seconds", { n: number(seconds) });
  if (seconds < 5400) return say("time.minutes", { n: number(seconds / 60) });
  return say("time.hours", { n: number(seconds / 3600, 1) });
}

export const megapixels = (count) => number(count / 1e6, count < 1e7 ? 1 : 0);
