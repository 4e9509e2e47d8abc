// What the page does beyond its forms and links. Without this script everything works by sending forms.
"use strict";

function start() {
  const live = document.getElementById("live");
  const status = document.getElementById("live-status");
  let running = null;
  let waiting = 0;

  // The address of the question with the values of all sliders; the server has said what each place stands for.
  function address() {
    const query = new URLSearchParams(location.search);
    for (const slider of live.querySelectorAll("input[type=range]")) {
      const value = JSON.parse(slider.dataset.values)[Number(slider.value)];
      query.delete(slider.dataset.name);
      if (value !== "") query.append(slider.dataset.name, value);
    }
    return `${location.pathname}?${query}`;
  }

  function say(slider) {
    const text = JSON.parse(slider.dataset.texts)[Number(slider.value)];
    slider.setAttribute("aria-valuetext", text);
    live.querySelector(`output[for="${CSS.escape(slider.id)}"]`).textContent = text;
  }

  // Put the parts of another answer in the place of these; sliders stay, and what has the focus keeps it.
  function show(page) {
    for (const part of document.querySelectorAll("[data-part]")) {
      const other = page.querySelector(`[data-part="${part.dataset.part}"]`);
      if (other) part.replaceChildren(...document.adoptNode(other).childNodes);
    }
    document.title = page.title;
  }

  async function ask() {
    const to = address();
    if (running) running.abort();
    running = new AbortController();
    live.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(to, { signal: running.signal, headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const told = page.getElementById("live-status");
      if (answer.ok && told) {
        show(page);
        history.replaceState(null, "", to);
        status.textContent = told.dataset.told;
      } else {
        const error = page.querySelector(".error");
        status.textContent = error ? error.textContent : live.dataset.failed;
      }
    } catch (error) {
      if (error.name === "AbortError") return;
      status.textContent = live.dataset.failed;
    }
    live.removeAttribute("aria-busy");
  }

  if (live) {
    live.hidden = false;
    for (const slider of live.querySelectorAll("input[type=range]")) {
      say(slider);
      slider.addEventListener("input", () => {
        say(slider);
        clearTimeout(waiting);
        waiting = setTimeout(ask, 150);
      });
    }
  }

  // A file takes seconds to read. Its form is sent from here, so that the server can tell how far it is, as events of
  // "text/event-stream", and so that it can be stopped: the server ends its work when the connection ends.
  const upload = document.querySelector("form[enctype='multipart/form-data']");
  const box = upload && upload.querySelector("[data-reading]");
  let reading = null;

  // The whole events of a text, each [name, data], and what is left of it.
  function events(text) {
    const blocks = text.split("\n\n");
    const rest = blocks.pop();
    const found = [];
    for (const block of blocks) {
      const field = (name) => (block.match(new RegExp(`^${name}: (.*)$`, "m")) || [])[1];
      if (field("event")) found.push([field("event"), JSON.parse(field("data"))]);
    }
    return [found, rest];
  }

  function progress(text, done, of) {
    box.querySelector("[role=status]").textContent = text;
    Object.assign(box.querySelector("progress"), { max: of, value: done });
  }

  // Another page in the place of this one, at an address from which Back leads to the form.
  function turn(html) {
    const page = new DOMParser().parseFromString(html, "text/html");
    const form = location.href;
    document.title = page.title;
    document.body.replaceWith(document.adoptNode(page.body));
    history.pushState(null, "", "#content");
    window.addEventListener("popstate", () => { if (location.href === form) location.reload(); });
    window.scrollTo(0, 0);
    const heading = document.querySelector("h1");
    heading.tabIndex = -1;
    heading.focus();
    start();
  }

  async function read(stream) {
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) throw new Error("the stream ended before its page");
      const [found, rest] = events(text + value);
      text = rest;
      for (const [name, data] of found) {
        if (name === "page") return data.html;
        progress(data.text, data.done, data.of);
      }
    }
  }

  async function send(event) {
    event.preventDefault();
    if (reading) return;
    reading = new AbortController();
    box.hidden = false;
    box.lastElementChild.hidden = false;
    progress(box.dataset.started, 0, 1);
    try {
      const headers = { Accept: "text/event-stream" };
      const given = { method: "POST", body: new FormData(upload), headers, signal: reading.signal };
      const answer = await fetch(upload.action, given);
      const kind = answer.headers.get("Content-Type") || "";
      if (kind.startsWith("text/event-stream")) return turn(await read(answer.body));
      progress(kind.includes("json") ? (await answer.json()).message : box.dataset.failed, 0, 1);
    } catch (error) {
      progress(error.name === "AbortError" ? box.dataset.stopped : box.dataset.failed, 0, 1);
    } finally {
      reading = null;
    }
    box.lastElementChild.hidden = true;
  }

  if (upload) {
    upload.addEventListener("submit", send);
    box.querySelector("button").addEventListener("click", () => { if (reading) reading.abort(); });
  }
}

start();
