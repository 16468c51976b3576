// What happens on the server, as it happens: server-sent events read with fetch, because EventSource cannot send the
// token. A connection that breaks, or is silent for too long, is made again by itself. A page that nobody sees lets go of
// its own: browsers open no more than six to a server, over all tabs, and a seventh tab would wait for ever.

import { ask, Problem } from "/page/server.js";

const SILENCE = 40_000;
const WAITS = [1, 2, 4, 8, 10];
const UNSEEN = 2_000; // ms
const GLANCE = 10_000;

/**
 * Keep a connection to `path`.
 * `on` has `open()`, `event(name, data)`, `closed(seconds)`, seconds until the next try, and `glance()`, called now and
 * then while nobody sees the page.
 * Returns a function that tries at once.
 */
export function follow(path, on) {
  let tries = 0;
  let timer = 0;
  let control = new AbortController();
  let connecting = false;
  let resting = false;

  async function connect() {
    clearTimeout(timer);
    connecting = true;
    control = new AbortController();
    const mine = control;
    let watch = 0;
    const alive = () => {
      clearTimeout(watch);
      watch = setTimeout(() => mine.abort(), SILENCE);
    };
    try {
      alive();
      const answer = await ask(path, { alone: true, signal: mine.signal, headers: { Accept: "text/event-stream" } });
      tries = 0;
      connecting = false;
      on.open();
      await read(answer.body, alive, on.event);
    } catch (error) {
      if (error instanceof Problem && error.status === 401) return; // It goes on when a token is given.
    } finally {
      clearTimeout(watch);
      if (mine === control) connecting = false;
    }
    if (mine !== control) return;
    const wait = WAITS[Math.min(tries, WAITS.length - 1)];
    tries += 1;
    on.closed(wait);
    timer = setTimeout(connect, wait * 1000);
  }

  function now() {
    if (connecting || resting) return;
    const old = control;
    connect();
    old.abort();
  }

  function rest() {
    resting = true;
    connecting = false;
    clearTimeout(timer);
    const old = control;
    control = new AbortController();
    old.abort();
    timer = setInterval(on.glance, GLANCE);
  }

  let leaving = 0;
  function seen() {
    clearTimeout(leaving);
    if (document.hidden) {
      leaving = setTimeout(rest, UNSEEN);
    } else if (resting) {
      resting = false;
      clearInterval(timer);
      now();
    }
  }

  connect();
  document.addEventListener("visibilitychange", seen);
  seen();
  return now;
}

async function read(stream, alive, onEvent) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    alive();
    const blocks = (rest + value).replace(/\r\n?/g, "\n").split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) dispatch(block, onEvent);
  }
}

function dispatch(block, onEvent) {
  let name = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
  }
  if (data.length) onEvent(name, JSON.parse(data.join("\n")));
}
