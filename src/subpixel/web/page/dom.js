// The page's elements, and new ones. Text goes in as text nodes only: nothing from outside is ever read as HTML.

export const byId = (id) => document.getElementById(id);

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  download: "M12 4v11m0 0l-4.5-4.5M12 15l4.5-4.5M5 19.5h14",
  bin: "M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.5 10.5v5.5M13.5 10.500v5.5",
  again: "M19 12a7 7 0 1 1-2.2-5.1M19 4v4h-4",
  grip: "M9.5 7.500L5 12l4.5 4.500M14.5 7.500L19 12l-4.5 4.5",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.500v2M12 19.500v2M2.5 12h2M19.5 12h2M5.3 5.300l1.4 1.400M17.3 17.300l1.4 1.400M5.3 18.700l1.4-1.400M17.3 6.700l1.4-1.4",
  moon: "M19.5 14.500A8 8 0 0 1 9.5 4.500a8 8 0 1 0 10 10z",
  system: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 4v16M12 8h5.500M12 12h8M12 16h5.5",
  warning: "M12 4.500L21 19.500H3zM12 10.500v4M12 17.200v.1",
  unplugged: "M4 4l16 16M8.5 15.500a5 5 0 0 1 4-1.500M5.5 12a9 9 0 0 1 4-2.300M3 8.700A13 13 0 0 1 6.7 6.300M11 5.100A13 13 0 0 1 21 8.700M15.5 10.300a9 9 0 0 1 3 1.700M12 18.500v.1",
  film: "M4 5.500h16v13H4zM8 5.500v13M16 5.500v13M4 10h4M4 14h4M16 10h4M16 14h4",
  picture: "M4 5.500h16v13H4zM4 16l4.5-4.5 3.5 3.5 3-3 5 5M15.5 9.200v.1",
};

/** An icon, hidden from screen readers: what it means is always said in words beside it or on its button. */
export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("class", "icon");
  drawing.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  drawing.append(path);
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
