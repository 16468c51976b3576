// Before anything is drawn: light or dark as stored, so that the page never flashes. A classic script for that reason.
(() => {
  try {
    const stored = localStorage.getItem("subpixel.theme");
    if (stored === "light" || stored === "dark") document.documentElement.dataset.theme = stored;
  } catch {
    // Storage may be forbidden: the system's choice then.
  }
})();
