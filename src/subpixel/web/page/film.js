// A finished video: played, or one frame of it before and after, chosen by a slider.

import { byId, el, setText } from "/page/dom.js";
import { formatName } from "/page/settings.js";
import { onLanguage, say } from "/page/words.js";

const SETTLE = 120; // ms that the slider rests before a frame is fetched

let comparing = false;
let looked = null;
const frames = new Map(); // number of the frame that is looked at, from 0, by job

/** True where the frames of a video are compared, false where it is played. */
export const isComparing = () => comparing;

/** Which frame is looked at, as a share of all: the middle of its time. */
export const momentOf = (job) => (frameOf(job) + 0.5) / job.frames;

const frameOf = (job) => Math.min(job.frames - 1, frames.get(job.id) ?? Math.floor(job.frames / 2));

/** Show the player, or take it away. */
export function play(job) {
  const place = byId("film");
  if ((place.dataset.job ?? null) === (job?.id ?? null)) return;
  if (!job) {
    delete place.dataset.job;
    place.replaceChildren();
    return;
  }
  place.dataset.job = job.id;
  const sorry = el("p", { class: "film-sorry", hidden: true }, say("film.unplayable", { format: formatName(job.result.format) }));
  const video = el("video", { controls: true, preload: "metadata", "aria-label": say("film.label", { name: job.name }) });
  video.addEventListener("error", () => {
    video.hidden = true;
    sorry.hidden = false;
  });
  video.src = `${job.links.result}?inline=true`;
  place.replaceChildren(video, sorry);
}

/** The choice between the two, and the slider; null: none of it. */
export function showTools(job) {
  looked = job;
  byId("film-tools").hidden = !job;
  byId("moment").hidden = !job || !comparing || job.frames < 2;
  if (!job) return;
  document.querySelector(`#film-mode input[value="${comparing ? "compare" : "play"}"]`).checked = true;
  const slider = byId("moment-slider");
  slider.max = job.frames - 1;
  slider.value = frameOf(job);
  showFrame();
}

function showFrame() {
  const words = say("film.frame", { number: Number(byId("moment-slider").value) + 1, total: looked.frames });
  setText(byId("moment-value"), words);
  byId("moment-slider").setAttribute("aria-valuetext", words);
}

/** `changed` is called when another frame, or the other way to look at it, is chosen. */
export function start(changed) {
  let settling = 0;
  byId("film-mode").addEventListener("change", (event) => {
    comparing = event.target.value === "compare";
    changed();
  });
  byId("moment-slider").addEventListener("input", (event) => {
    const job = looked;
    frames.set(job.id, Number(event.target.value));
    showFrame();
    clearTimeout(settling);
    settling = setTimeout(() => looked?.id === job.id && changed(), SETTLE);
  });
  onLanguage(() => looked && showFrame());
}
