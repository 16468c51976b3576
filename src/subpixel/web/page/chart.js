// The whole picture, small, with a frame around the part that is previewed or seen. The frame is moved by dragging and by
// arrow keys.

import { byId } from "/page/dom.js";
import { say } from "/page/words.js";

const WIDE = 128;
const SHARE = 0.26; // of the viewer, at most

const place = byId("chart");
const canvas = byId("chart-canvas");
let bitmap = null;
let frame = null;
let moved = () => {};

/** Show a picture with a frame {x, y, w, h}, shares of it; `onMove(centre, settled)` hears where a person put it. */
export function show(picture, where, words, onMove) {
  place.hidden = picture === null || where === null || (where.w >= 0.999 && where.h >= 0.999);
  if (place.hidden) return;
  bitmap = picture;
  frame = where;
  moved = onMove;
  place.setAttribute("aria-label", say(words));
  place.setAttribute("title", say(words));
  draw();
}

export const hide = () => {
  place.hidden = true;
};

function draw() {
  const ratio = devicePixelRatio || 1;
  const most = Math.min(WIDE, place.parentElement.clientWidth * SHARE);
  const shrink = Math.min(most / bitmap.width, (most * 0.75) / bitmap.height);
  const wide = Math.max(24, Math.round(bitmap.width * shrink));
  const high = Math.max(24, Math.round(bitmap.height * shrink));
  canvas.width = wide * ratio;
  canvas.height = high * ratio;
  canvas.style.width = `${wide}px`;
  canvas.style.height = `${high}px`;
  const pen = canvas.getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const box = [frame.x * canvas.width, frame.y * canvas.height, frame.w * canvas.width, frame.h * canvas.height];
  pen.fillStyle = "rgb(0 0 0 / 45%)";
  pen.beginPath();
  pen.rect(0, 0, canvas.width, canvas.height);
  pen.rect(...box);
  pen.fill("evenodd");
  pen.lineWidth = 2 * ratio;
  pen.strokeStyle = "#fff";
  pen.strokeRect(box[0] + ratio, box[1] + ratio, box[2] - 2 * ratio, box[3] - 2 * ratio);
}

function to(x, y, settled) {
  const hold = (value, part) => Math.min(1 - part / 2, Math.max(part / 2, value));
  const centre = { x: hold(x, frame.w), y: hold(y, frame.h) };
  frame = { ...frame, x: centre.x - frame.w / 2, y: centre.y - frame.h / 2 };
  draw();
  moved(centre, settled);
}

function follow(event, settled) {
  const box = canvas.getBoundingClientRect();
  to((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height, settled);
}

place.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  place.setPointerCapture(event.pointerId);
  follow(event, false);
});
place.addEventListener("pointermove", (event) => place.hasPointerCapture(event.pointerId) && follow(event, false));
place.addEventListener("pointerup", (event) => place.hasPointerCapture(event.pointerId) && follow(event, true));
place.addEventListener("keydown", (event) => {
  const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!by) return;
  event.preventDefault();
  to(frame.x + frame.w / 2 + by[0] * frame.w * 0.5, frame.y + frame.h / 2 + by[1] * frame.h * 0.5, true);
});
