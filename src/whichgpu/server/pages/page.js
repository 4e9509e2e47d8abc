// What the page does beyond its forms and links. Without this script everything works by sending forms.
"use strict";

(() => {
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

  // A file takes seconds to read: say so, and let it be stopped.
  const upload = document.querySelector("form[enctype='multipart/form-data']");
  if (upload) {
    const box = upload.querySelector("[data-reading]");
    upload.addEventListener("submit", () => { box.hidden = false; });
    box.querySelector("button").addEventListener("click", () => { window.stop(); box.hidden = true; });
    window.addEventListener("pageshow", () => { box.hidden = true; });
  }
})();
