// Saying things: to screen readers, and problems in the language of the page.

import { byId } from "/page/dom.js";
import { current, say, sayIfKnown } from "/page/words.js";

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

/**
 * A problem in words: {title, detail, right, foreign}. What the page found out by itself is `local`. For what the server
 * says, title and advice are the page's where its language has them; `foreign` is true where the detail, which holds names
 * and values that only the server knows, is in English on a page that is not.
 */
export function inWords(problem) {
  const slug = problem.slug ?? String(problem.type ?? "unknown").split(":").pop();
  const part = (name) => say(`local.${slug}.${name}`, problem.values);
  if (problem.local) return { title: part("title"), detail: part("detail"), right: part("right"), foreign: false };
  const own = (name) => sayIfKnown(`problem.${slug}.${name}`);
  const bare = !problem.title && !problem.detail;
  return {
    title: own("title") ?? (problem.title || say("problem.unknown.title")),
    detail: bare ? say("problem.unknown.detail", { status: problem.status }) : problem.detail,
    right: own("right") ?? (bare ? say("problem.unknown.right") : problem.right),
    foreign: !bare && current() !== "en",
  };
}
