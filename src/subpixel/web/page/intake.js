// How files come in: dropped anywhere on the page, pasted, or chosen.

import { byId } from "/page/dom.js";
import { fields, isVideo } from "/page/settings.js";
import { say } from "/page/words.js";
import { add } from "/page/uploads.js";

// Pictures and videos have formats of their own: each file goes with the settings for its kind.
const take = (files) => add([...files], (file) => fields(isVideo(file) ? "video" : "picture"));

/** Files of a drop; of folders, what is in them. */
async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
  const files = [];
  for (const entry of entries) await collect(entry, files);
  return files;
}

async function collect(entry, files) {
  if (entry.isFile) {
    files.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return;
    for (const one of some) if (!one.name.startsWith(".")) await collect(one, files);
  }
}

/** Pictures from the clipboard have no name of their own. */
function pasted(data) {
  return [...data.files].map((file) =>
    file.name && file.name !== "image.png" ? file : new File([file], `${say("paste.name")}.${file.type.split("/")[1] ?? "png"}`, { type: file.type }),
  );
}

export function start() {
  const input = byId("files");
  input.accept = "image/*,video/*,.tif,.tiff,.ppm,.pgm,.pnm,.mkv,.avif";
  const ask = () => input.click();
  byId("choose").addEventListener("click", (event) => (event.stopPropagation(), ask()));
  byId("add").addEventListener("click", ask);
  byId("drop").addEventListener("click", ask);
  input.addEventListener("change", () => {
    take(input.files);
    input.value = "";
  });

  let depth = 0;
  const over = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const show = () => {
    byId("overlay").hidden = depth === 0;
  };
  addEventListener("dragenter", (event) => {
    if (!over(event)) return;
    event.preventDefault();
    depth += 1;
    show();
  });
  addEventListener("dragover", (event) => {
    if (over(event)) event.preventDefault();
  });
  addEventListener("dragleave", (event) => {
    if (!over(event)) return;
    depth = Math.max(0, depth - 1);
    show();
  });
  addEventListener("drop", async (event) => {
    if (!over(event)) return;
    event.preventDefault();
    depth = 0;
    show();
    take(await dropped(event.dataTransfer));
  });
  addEventListener("paste", (event) => {
    const files = pasted(event.clipboardData);
    if (!files.length) return;
    event.preventDefault();
    take(files);
  });
}
