// Where the server asks for a token: a dialog for it.

import { byId, el } from "/page/dom.js";
import { setToken } from "/page/server.js";
import { onLanguage, say } from "/page/words.js";

let dialog = null;
let wasWrong = false;

/** Ask for the token, once; `done` is called with it stored. `wrong` where one was given and refused. */
export function askForToken(wrong, done) {
  wasWrong ||= wrong;
  if (dialog) return;
  dialog = el("dialog", { class: "token", "aria-labelledby": "token-title" });
  fill(done);
  document.body.append(dialog);
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.showModal();
  byId("token-input").focus();
  onLanguage(() => dialog && fill(done));
}

function fill(done) {
  const input = el("input", { type: "password", id: "token-input", autocomplete: "off", required: true, "aria-describedby": "token-detail token-wrong" });
  const form = el(
    "form",
    {
      method: "dialog",
      onsubmit: () => {
        setToken(input.value.trim());
        dialog.remove();
        dialog = null;
        wasWrong = false;
        done();
      },
    },
    el("h2", { id: "token-title" }, say("token.title")),
    el("p", { class: "muted", id: "token-detail" }, say("token.detail")),
    el("label", { class: "field" }, el("span", {}, say("token.label")), input),
    el("p", { class: "wrong", id: "token-wrong", role: "alert" }, wasWrong ? say("token.wrong") : ""),
    el("button", { class: "primary" }, say("token.send")),
  );
  dialog.replaceChildren(form);
}
