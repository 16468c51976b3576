// Saying things: to screen readers, and problems in the language of the page.

import { byId } from "/page/dom.js";
import { bytes, current, duration, megapixels, say, sayIfKnown } from "/page/words.js";

let pending = [];
let timer = 0;

/** To be read out when there is time. What comes within a moment is read together. */
export function announce(text) {
  pending.push(text);
  clearTimeout(timer);
  timer = setTimeout(() => {
    byId("says").textContent = pending.join(" ");
    pending = [];
  }, 150);
}

/** To be read out at once. */
export function warn(text) {
  const place = byId("warns");
  place.textContent = "";
  setTimeout(() => {
    place.textContent = text;
  }, 50);
}

/** The interface speaks in halves of a line; a page in sentences. */
const sentence = (text) =>
  text &&
  (/^[a-z]+ /.test(text) ? text[0].toUpperCase() + text.slice(1) : text) + (/[.!?。！？…]$/.test(text) ? "" : ".");

/** Values of a problem as they are read: their names tell the unit. */
function readable(values) {
  const shown = ([name, value]) => {
    if (name.endsWith("_bytes")) return [name, bytes(value)];
    if (name.endsWith("_pixels")) return [name, megapixels(value)];
    return [name, name === "seconds" ? duration(value) : value];
  };
  return Object.fromEntries(Object.entries(values ?? {}).map(shown));
}

/**
 * A problem in words: {title, detail, right, foreign}. What the page found out by itself is `local`. What the server says
 * is said by its type, case and values in the page's language; `foreign` is true where that has no words for it, and the
 * detail stays English on a page that is not.
 */
export function inWords(problem) {
  const slug = problem.slug ?? String(problem.type ?? "unknown").split(":").pop();
  const part = (name) => say(`local.${slug}.${name}`, problem.values);
  if (problem.local) return { title: part("title"), detail: part("detail"), right: part("right"), foreign: false };
  const values = readable(problem.values);
  const own = (name) => {
    const keys = problem.case ? [`problem.${slug}.${problem.case}.${name}`, `problem.${slug}.${name}`] : [`problem.${slug}.${name}`];
    return keys.map((key) => sayIfKnown(key, values)).find((words) => words !== null && !/\{\w+\}/.test(words)) ?? null;
  };
  const bare = !problem.title && !problem.detail;
  const detail = bare ? say("problem.unknown.detail", { status: problem.status }) : own("detail");
  return {
    title: own("title") ?? (problem.title || say("problem.unknown.title")),
    detail: sentence(detail ?? problem.detail),
    right: sentence(own("right") ?? (bare ? say("problem.unknown.right") : problem.right)),
    foreign: detail === null && current() !== "en",
  };
}
