// The page's elements, and new ones. Text goes in as text nodes only: nothing from outside is ever read as HTML.

export const byId = (id) => document.getElementById(id);

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  download: "M12 4v11m0 0l-4.5-4.5M12 15l4.5-4.5M5 19.5h14",
  bin: "M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.5 10.5v5.5M13.5 10.5v5.5",
  again: "M19 12a7 7 0 1 1-2.2-5.1M19 4v4h-4",
  grip: "M9.5 7.5L5 12l4.5 4.5M14.5 7.5L19 12l-4.5 4.5",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  moon: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z",
  system: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z",
  warning: "M12 4.5L21 19.5H3zM12 10.5v4M12 17.2v.1",
  unplugged: "M4 4l16 16M8.5 15.5a5 5 0 0 1 4-1.5M5.5 12a9 9 0 0 1 4-2.3M3 8.7A13 13 0 0 1 6.7 6.3M11 5.1A13 13 0 0 1 21 8.7M15.5 10.3a9 9 0 0 1 3 1.7M12 18.5v.1",
  film: "M4 5.5h16v13H4zM8 5.5v13M16 5.5v13M4 10h4M4 14h4M16 10h4M16 14h4",
  picture: "M4 5.5h16v13H4zM4 16l4.5-4.5 3.5 3.5 3-3 5 5M15.5 9.2v.1",
};

const FILLED = { system: "M12 4a8 8 0 0 1 0 16z" };

/** An icon, hidden from screen readers: what it means is always said in words beside it or on its button. */
export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("class", "icon");
  drawing.setAttribute("aria-hidden", "true");
  for (const [outline, filled] of [[PATHS[name], false], [FILLED[name], true]]) {
    if (!outline) continue;
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", outline);
    if (filled) path.setAttribute("fill", "currentColor");
    drawing.append(path);
  }
  return drawing;
}

/** An element with attributes (`on…` are listeners, true and false set or leave out) and children (texts or nodes). */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Text of an element, changed only where it differs: live regions and selections stay undisturbed. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setBar(bar, share, label) {
  const waiting = share === null;
  bar.toggleAttribute("data-waiting", waiting);
  bar.firstElementChild.style.width = waiting ? "" : `${Math.round(share * 1000) / 10}%`;
  if (waiting) bar.removeAttribute("aria-valuenow");
  else bar.setAttribute("aria-valuenow", String(Math.round(share * 100)));
  bar.setAttribute("aria-label", label);
}

export function fillIcons(root = document) {
  for (const place of root.querySelectorAll("[data-icon]")) {
    if (!place.querySelector("svg")) place.prepend(icon(place.dataset.icon));
  }
}

/** Storage that may be forbidden or full: then things are kept for this visit only. */
export const kept = {
  get(key) {
    try {
      return localStorage.getItem(`subpixel.${key}`);
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      localStorage.setItem(`subpixel.${key}`, value);
    } catch {
      // Nothing depends on it.
    }
  },
};
