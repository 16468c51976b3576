// The viewer: two pictures of one scene in one place, a divider between them, zoom and pan in step. What is drawn is
// decided here; what hands do is in gestures.js.
//
// Coordinates: `world` is in pixels of the result; zoom is screen pixels for one of them, so that 1 is 100 %.

import { setText } from "/page/dom.js";
import { coarsestOf, levelFor, SIDE } from "/page/tiles.js";
import { percent, pixels, say } from "/page/words.js";

const MOST = 32;

export class Viewer {
  constructor({ frame, canvas, divider, tagLeft, tagRight, zoomValue }) {
    Object.assign(this, { frame, canvas, divider, tagLeft, tagRight, zoomValue });
    this.pen = canvas.getContext("2d");
    this.scene = null;
    this.split = 0.5;
    this.view = { zoom: 1, x: 0, y: 0 };
    this.fitted = true;
    this.asked = false;
    this.moved = () => {};
    new ResizeObserver(() => this.resize()).observe(frame);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
  }

  /**
   * Show a scene {key, name, width, height, left, right}, layers of the same view; left or right may be null. A scene of
   * the same key and size keeps zoom and place.
   */
  show(scene) {
    const old = this.scene;
    const same = old && scene && old.key === scene.key && old.width === scene.width && old.height === scene.height;
    this.scene = scene;
    for (const layer of [scene?.left, scene?.right]) if (layer) layer.changed = () => this.redraw();
    if (scene && !same) this.fit();
    if (!scene) this.canvas.setAttribute("aria-label", say("viewer.empty"));
    this.redraw();
  }

  /** Screen pixels for one of CSS. */
  get ratio() {
    return devicePixelRatio || 1;
  }

  get size() {
    return { width: this.canvas.width, height: this.canvas.height };
  }

  /** Where all of it is seen; small pictures are not enlarged. */
  get fitZoom() {
    const { width, height } = this.size;
    return Math.min(1, width / this.scene.width, height / this.scene.height);
  }

  get canPan() {
    if (!this.scene) return false;
    const { width, height } = this.size;
    return this.scene.width * this.view.zoom > width + 1 || this.scene.height * this.view.zoom > height + 1;
  }

  fit() {
    if (!this.scene) return;
    this.fitted = true;
    this.view = { zoom: this.fitZoom, x: this.scene.width / 2, y: this.scene.height / 2 };
    this.redraw();
  }

  /** Zoom so that what is at a point of the canvas (screen pixels) stays there. */
  zoomTo(zoom, at = { x: this.size.width / 2, y: this.size.height / 2 }) {
    if (!this.scene) return;
    const before = this.toWorld(at);
    this.view.zoom = Math.min(MOST, Math.max(this.fitZoom, zoom));
    this.fitted = this.view.zoom <= this.fitZoom * 1.001;
    const after = this.toWorld(at);
    this.view.x += before.x - after.x;
    this.view.y += before.y - after.y;
    this.redraw();
  }

  /** The next round step of zoom, up or down. */
  step(direction) {
    const steps = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32];
    const { zoom } = this.view;
    const next = direction > 0 ? steps.find((s) => s > zoom * 1.01) : steps.findLast((s) => s < zoom * 0.99);
    this.zoomTo(next ?? (direction > 0 ? MOST : this.fitZoom));
  }

  /** Move the picture by screen pixels. */
  pan(dx, dy) {
    this.view.x -= dx / this.view.zoom;
    this.view.y -= dy / this.view.zoom;
    this.redraw();
  }

  setSplit(share) {
    this.split = Math.min(1, Math.max(0, share));
    this.tellSplit();
    this.redraw();
  }

  tellSplit() {
    const left = Math.round(this.split * 100);
    this.divider.setAttribute("aria-valuenow", String(left));
    this.divider.setAttribute("aria-valuetext", say("divider.value", { left, right: 100 - left }));
  }

  toWorld({ x, y }) {
    const { width, height } = this.size;
    return { x: this.view.x + (x - width / 2) / this.view.zoom, y: this.view.y + (y - height / 2) / this.view.zoom };
  }

  /** The picture on the canvas, in screen pixels, as far as it is seen. */
  get seen() {
    const { width, height } = this.size;
    const box = this.onScreen({ x: 0, y: 0, w: this.scene.width, h: this.scene.height });
    const left = Math.max(0, box.x);
    const top = Math.max(0, box.y);
    return { x: left, y: top, w: Math.min(width, box.x + box.w) - left, h: Math.min(height, box.y + box.h) - top };
  }

  /** A box of the world on whole screen pixels: neighbours share their edge, so no seam shows. */
  onScreen({ x, y, w, h }) {
    const { width, height } = this.size;
    const { zoom } = this.view;
    const across = (value) => Math.round((value - this.view.x) * zoom + width / 2);
    const down = (value) => Math.round((value - this.view.y) * zoom + height / 2);
    return { x: across(x), y: down(y), w: across(x + w) - across(x), h: down(y + h) - down(y) };
  }

  resize() {
    const { ratio } = this;
    const width = Math.max(1, Math.floor(this.frame.clientWidth * ratio));
    const height = Math.max(1, Math.floor(this.frame.clientHeight * ratio));
    // Exactly as many as the screen has: a canvas that is stretched by half a pixel is blurred all over.
    this.canvas.style.width = `${width / ratio}px`;
    this.canvas.style.height = `${height / ratio}px`;
    if (this.canvas.width === width && this.canvas.height === height) return;
    this.canvas.width = width;
    this.canvas.height = height;
    if (this.scene && this.fitted) this.fit();
    this.draw();
  }

  redraw() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      this.draw();
    });
  }

  /** No further than the picture's edges; smaller than the canvas, it stands in the middle. */
  clamp() {
    const { width, height } = this.size;
    const { zoom } = this.view;
    const hold = (centre, side, room) => {
      const half = room / 2 / zoom;
      return side * zoom <= room ? side / 2 : Math.min(side - half, Math.max(half, centre));
    };
    this.view.zoom = Math.max(this.view.zoom, this.fitZoom);
    this.view.x = hold(this.view.x, this.scene.width, width);
    this.view.y = hold(this.view.y, this.scene.height, height);
  }

  draw() {
    const { pen, scene } = this;
    const { width, height } = this.size;
    pen.clearRect(0, 0, width, height);
    this.divider.hidden = !(scene?.left && scene.right);
    if (!scene) return;
    this.clamp();
    const { seen } = this;
    this.checks = this.makeChecks();
    const at = this.divider.hidden ? (scene.right ? seen.x : seen.x + seen.w) : Math.round(seen.x + this.split * seen.w);
    // Until something of the one side has come, the other stands in for it.
    const alone = scene.left?.ready && scene.right && !scene.right.ready;
    if (scene.left) this.drawLayer(scene.left, alone ? seen : { ...seen, w: at - seen.x });
    if (scene.right) this.drawLayer(scene.right, { ...seen, x: at, w: seen.x + seen.w - at });
    this.place(seen, at);
    this.moved();
  }

  /** What shows through transparent pixels. */
  makeChecks() {
    const style = getComputedStyle(this.frame);
    const tile = new OffscreenCanvas(16, 16);
    const pen = tile.getContext("2d");
    pen.fillStyle = style.getPropertyValue("--check-a");
    pen.fillRect(0, 0, 16, 16);
    pen.fillStyle = style.getPropertyValue("--check-b");
    pen.fillRect(0, 0, 8, 8);
    pen.fillRect(8, 8, 8, 8);
    return this.pen.createPattern(tile, "repeat");
  }

  fillChecks({ x, y, w, h }) {
    this.pen.fillStyle = this.checks;
    this.pen.fillRect(x, y, w, h);
  }

  /** The part of a layer that is seen through a box of the screen. */
  drawLayer(layer, through) {
    if (through.w <= 0 || through.h <= 0) {
      layer.forget(new Set());
      return;
    }
    const { pen } = this;
    const ratio = this.scene.width / layer.width;
    const ratioDown = this.scene.height / layer.height;
    const coarsest = coarsestOf(layer.width, layer.height);
    const level = Math.min(levelFor(this.view.zoom * ratio), coarsest);
    const from = this.toWorld({ x: through.x, y: through.y });
    const to = this.toWorld({ x: through.x + through.w, y: through.y + through.h });
    const side = SIDE * 2 ** level;
    const last = (end, whole) => Math.min(Math.ceil(whole / side) - 1, Math.floor((end - 1e-6) / side));
    // All of it, coarsely, first: something stands everywhere before the fine pieces come.
    const wanted = new Set([`${layer.id}/${coarsest}/0/0`]);
    layer.piece(coarsest, 0, 0);
    pen.save();
    pen.beginPath();
    pen.rect(through.x, through.y, through.w, through.h);
    pen.clip();
    pen.imageSmoothingEnabled = this.view.zoom <= 1;
    pen.imageSmoothingQuality = "high";
    for (let row = Math.max(0, Math.floor(from.y / ratioDown / side)); row <= last(to.y / ratioDown, layer.height); row += 1) {
      for (let column = Math.max(0, Math.floor(from.x / ratio / side)); column <= last(to.x / ratio, layer.width); column += 1) {
        wanted.add(`${layer.id}/${level}/${column}/${row}`);
        this.drawPiece(layer, { level, column, row }, coarsest, ratio, ratioDown);
      }
    }
    pen.restore();
    layer.forget(wanted);
  }

  drawPiece(layer, at, coarsest, ratio, ratioDown) {
    const box = layer.box(at.level, at.column, at.row);
    const place = this.onScreen({ x: box.x * ratio, y: box.y * ratioDown, w: box.w * ratio, h: box.h * ratioDown });
    const bitmap = layer.piece(at.level, at.column, at.row);
    if (bitmap) {
      this.fillChecks(place);
      this.pen.drawImage(bitmap, place.x, place.y, place.w, place.h);
      return;
    }
    const other = layer.coarser(at.level, at.column, at.row, coarsest);
    if (!other) return;
    this.fillChecks(place);
    const whole = layer.box(other.level, other.column, other.row);
    const shrink = other.bitmap.width / whole.w;
    const shrinkDown = other.bitmap.height / whole.h;
    this.pen.drawImage(
      other.bitmap, (box.x - whole.x) * shrink, (box.y - whole.y) * shrinkDown, box.w * shrink, box.h * shrinkDown,
      place.x, place.y, place.w, place.h,
    );
  }

  /** What lies over the canvas: divider, tags, and what screen readers hear. */
  place(seen, at) {
    const { ratio } = this;
    const right = (this.canvas.width - seen.x - seen.w) / ratio;
    this.divider.style.left = `${at / ratio}px`;
    this.divider.style.top = `${seen.y / ratio}px`;
    this.divider.style.bottom = `${(this.canvas.height - seen.y - seen.h) / ratio}px`;
    this.tellSplit();
    for (const tag of [this.tagLeft, this.tagRight]) tag.style.top = `${seen.y / ratio + 10}px`;
    this.tagLeft.style.left = `${seen.x / ratio + 10}px`;
    this.tagRight.style.right = `${right + 10}px`;
    // A tag names the side it lies on; a side too small for it has none.
    this.tagLeft.hidden = !this.divider.hidden && (at - seen.x) / ratio < this.tagLeft.scrollWidth * 0.6;
    const narrow = !this.divider.hidden && (seen.x + seen.w - at) / ratio < this.tagRight.scrollWidth * 0.6;
    this.tagRight.hidden = narrow || !this.scene.right?.ready;
    this.frame.toggleAttribute("data-pans", this.canPan);
    setText(this.zoomValue, percent(this.view.zoom));
    const { name, width, height } = this.scene;
    this.canvas.setAttribute("aria-label", say("viewer.label", { name, size: pixels(width, height), percent: percent(this.view.zoom) }));
  }
}
