// What hands do in the viewer: drag the divider, pan, pinch, wheel, keys.

/** Let mouse, touch, pen and keyboard move a viewer. */
export function listen(viewer) {
  const { canvas, divider, frame } = viewer;
  const held = new Map(); // pointers on the canvas, in screen pixels
  let mode = null;

  const at = (event) => {
    const box = frame.getBoundingClientRect();
    return { x: (event.clientX - box.left) * viewer.ratio, y: (event.clientY - box.top) * viewer.ratio };
  };
  const splitAt = (event) => {
    const { seen } = viewer;
    viewer.setSplit((at(event).x - seen.x) / Math.max(1, seen.w));
  };

  divider.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    divider.setPointerCapture(event.pointerId);
    event.preventDefault();
    divider.focus({ preventScroll: true });
  });
  divider.addEventListener("pointermove", (event) => {
    if (divider.hasPointerCapture(event.pointerId)) splitAt(event);
  });
  divider.addEventListener("dblclick", () => viewer.setSplit(0.5));
  divider.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 0.1 : 0.02;
    const to = {
      ArrowLeft: viewer.split - step, ArrowDown: viewer.split - step, ArrowRight: viewer.split + step,
      ArrowUp: viewer.split + step, PageDown: viewer.split - 0.1, PageUp: viewer.split + 0.1, Home: 0, End: 1,
    }[event.key];
    if (to === undefined) {
      zoomKeys(event);
      return;
    }
    event.preventDefault();
    viewer.setSplit(to);
  });

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !viewer.scene) return;
    canvas.setPointerCapture(event.pointerId);
    held.set(event.pointerId, at(event));
    // All of it seen: there is nothing to pan, so that a drag anywhere moves the divider.
    mode = held.size > 1 ? "pinch" : viewer.canPan || divider.hidden ? "pan" : "split";
    if (mode === "split" && event.pointerType === "mouse") splitAt(event);
    frame.toggleAttribute("data-held", mode === "pan");
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = held.get(event.pointerId);
    if (!before) return;
    const now = at(event);
    if (mode === "split") splitAt(event);
    else if (mode === "pan") viewer.pan(now.x - before.x, now.y - before.y);
    else if (held.size === 2) pinch(event.pointerId, before, now);
    held.set(event.pointerId, now);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => {
      held.delete(event.pointerId);
      if (held.size === 1 && mode === "pinch") mode = "pan";
      if (!held.size) frame.removeAttribute("data-held");
    });
  }

  function pinch(id, before, now) {
    const other = [...held].find(([one]) => one !== id)[1];
    const apart = (a) => Math.hypot(a.x - other.x, a.y - other.y);
    const middle = (a) => ({ x: (a.x + other.x) / 2, y: (a.y + other.y) / 2 });
    const from = middle(before);
    const to = middle(now);
    viewer.pan(to.x - from.x, to.y - from.y);
    viewer.zoomTo((viewer.view.zoom * apart(now)) / Math.max(1, apart(before)), to);
  }

  frame.addEventListener(
    "wheel",
    (event) => {
      if (!viewer.scene) return;
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 32 : 1;
      viewer.zoomTo(viewer.view.zoom * Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.002)), at(event));
    },
    { passive: false },
  );
  canvas.addEventListener("dblclick", (event) => {
    if (viewer.fitted) viewer.zoomTo(Math.max(2, viewer.fitZoom * 2), at(event));
    else viewer.fit();
  });

  function zoomKeys(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const does = {
      "+": () => viewer.step(1), "=": () => viewer.step(1), "-": () => viewer.step(-1), 0: () => viewer.fit(),
      1: () => viewer.zoomTo(1),
    }[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  }

  canvas.addEventListener("keydown", (event) => {
    const by = (event.shiftKey ? 0.5 : 0.1) * Math.min(canvas.width, canvas.height);
    const move = { ArrowLeft: [by, 0], ArrowRight: [-by, 0], ArrowUp: [0, by], ArrowDown: [0, -by] }[event.key];
    if (!move) {
      zoomKeys(event);
      return;
    }
    event.preventDefault();
    viewer.pan(...move);
  });
}
