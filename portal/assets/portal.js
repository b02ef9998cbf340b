// Keeps what is marked as live up to date while somebody looks, without a reload, and lets the
// slider of a cluster's history select one operation.
"use strict";
const period = 5000;

// show replaces what is marked as live by what a newer page has there.
function show(fresh) {
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    // What has the focus, or is being read from a selection, stays as it is until later.
    if (!next || part.contains(document.activeElement) || !getSelection().isCollapsed || next.innerHTML === part.innerHTML) continue;
    part.replaceChildren(...next.cloneNode(true).childNodes);
  }
}

let newest, stop;

// follow reads one answer, in which the server sends the page again whenever it has changed.
async function follow() {
  stop = new AbortController();
  const answer = await fetch(location.href, { headers: { Accept: "text/event-stream" }, redirect: "manual", signal: stop.signal });
  if (answer.status === 401 || answer.type === "opaqueredirect") {
    location.reload(); // the session has ended: the server sends to the login
    return;
  }
  if (!answer.ok) return;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (text + value).split("\n\n");
    text = events.pop();
    if (events.length === 0) continue;
    newest = new DOMParser().parseFromString(JSON.parse(events.at(-1).slice("data: ".length)), "text/html");
    show(newest);
  }
}

async function keepFollowing() {
  for (;;) {
    if (document.hidden) {
      await new Promise((resume) => document.addEventListener("visibilitychange", resume, { once: true }));
      continue;
    }
    await follow().catch(() => {});
    await new Promise((resume) => setTimeout(resume, period));
  }
}

if (document.querySelector("[data-live]")) {
  document.addEventListener("visibilitychange", () => { if (document.hidden) stop?.abort(); });
  setInterval(() => { if (newest) show(newest); }, period);
  keepFollowing();
}

const slider = document.getElementById("scrubber");
if (slider) {
  const entries = [...document.querySelectorAll("[data-entry]")].reverse(); // the oldest is at the left
  const select = () => {
    entries.forEach((entry, i) => { entry.hidden = i !== slider.valueAsNumber; });
    slider.setAttribute("aria-valuetext", entries[slider.valueAsNumber].dataset.entry);
  };
  slider.closest(".scrubber").hidden = false;
  slider.addEventListener("input", select);
  select();
}
