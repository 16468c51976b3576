// One picture of the viewer, as pieces: fetched when they are seen, at no more pixels than the screen shows, and kept
// while there is room.

export const SIDE = 1024;
const ROOM = 64e6; // pixels kept over all layers
const AT_ONCE = 4;

const kept = new Map(); // key → {bitmap, pixels}, least recently drawn first
const waiting = [];
let running = 0;
let held = 0;
let layers = 0;

/** How many times smaller a layer may come: the largest power of two that loses nothing at this enlargement. */
export const levelFor = (enlargement) => Math.max(0, Math.floor(Math.log2(1 / Math.max(enlargement, 1e-6)) + 1e-6));

/** The level at which one piece holds all of a picture. */
export const coarsestOf = (width, height) => Math.max(0, Math.ceil(Math.log2(Math.max(width, height) / SIDE)));

export class Layer {
  /**
   * `fetchPart(x, y, w, h, width, signal)` gives an ImageBitmap of a part, reduced to `width`; `changed` is called when
   * a piece has come, `failed(error)` when one does not.
   */
  constructor(width, height, fetchPart) {
    layers += 1;
    Object.assign(this, { id: layers, width, height, fetchPart, changed: () => {}, failed: () => {} });
    this.pending = new Map();
    this.closed = false;
    this.ready = false;
    this.broken = new Set();
  }

  /** A piece if it is here; else it is asked for. */
  piece(level, column, row) {
    const key = `${this.id}/${level}/${column}/${row}`;
    const found = kept.get(key);
    if (found) {
      kept.delete(key);
      kept.set(key, found);
      return found.bitmap;
    }
    if (!this.pending.has(key) && !this.broken.has(key)) this.want(key, level, column, row);
    return null;
  }

  /** When all of it is here, coarsely, or it is known that it will not come. */
  all() {
    return new Promise((resolve) => {
      const failed = this.failed;
      this.changed = resolve;
      this.failed = (error) => (failed(error), resolve());
      if (this.piece(coarsestOf(this.width, this.height), 0, 0)) resolve();
    });
  }

  /** Whatever is here of it at a coarser level. */
  coarser(level, column, row, coarsest) {
    for (let up = level + 1; up <= coarsest; up += 1) {
      const found = kept.get(`${this.id}/${up}/${column >> (up - level)}/${row >> (up - level)}`);
      if (found) return { bitmap: found.bitmap, level: up, column: column >> (up - level), row: row >> (up - level) };
    }
    return null;
  }

  /** Pixels of the layer that a piece covers. */
  box(level, column, row) {
    const side = SIDE * 2 ** level;
    const x = column * side;
    const y = row * side;
    return { x, y, w: Math.min(side, this.width - x), h: Math.min(side, this.height - y) };
  }

  want(key, level, column, row) {
    const control = new AbortController();
    this.pending.set(key, control);
    const { x, y, w, h } = this.box(level, column, row);
    waiting.push({ layer: this, key, control, part: [x, y, w, h, Math.max(1, Math.ceil(w / 2 ** level))] });
    pump();
  }

  /** Pieces that were asked for and are no longer seen need not come. */
  forget(wanted) {
    for (const [key, control] of this.pending) {
      if (wanted.has(key)) continue;
      control.abort();
      this.pending.delete(key);
    }
  }

  close() {
    this.closed = true;
    this.forget(new Set());
    for (const [key, piece] of kept) {
      if (!key.startsWith(`${this.id}/`)) continue;
      held -= piece.pixels;
      piece.bitmap.close();
      kept.delete(key);
    }
  }
}

/** A layer that is here already. */
export function layerOf(bitmap) {
  return new Layer(bitmap.width, bitmap.height, (x, y, w, h, width) =>
    createImageBitmap(bitmap, x, y, w, h, { resizeWidth: width, resizeQuality: "high" }),
  );
}

async function pump() {
  while (running < AT_ONCE && waiting.length) {
    const next = waiting.shift();
    if (next.control.signal.aborted) continue;
    running += 1;
    load(next).finally(() => {
      running -= 1;
      pump();
    });
  }
}

async function load({ layer, key, control, part }) {
  try {
    const bitmap = await layer.fetchPart(...part, control.signal);
    if (layer.closed || control.signal.aborted) {
      bitmap.close();
      return;
    }
    keep(key, bitmap);
    layer.pending.delete(key);
    layer.ready = true;
    layer.changed();
  } catch (error) {
    if (control.signal.aborted) return;
    layer.pending.delete(key);
    layer.broken.add(key);
    layer.failed(error);
  }
}

function keep(key, bitmap) {
  const pixels = bitmap.width * bitmap.height;
  kept.set(key, { bitmap, pixels });
  held += pixels;
  for (const [old, piece] of kept) {
    if (held <= ROOM || old === key) break;
    held -= piece.pixels;
    piece.bitmap.close();
    kept.delete(old);
  }
}
