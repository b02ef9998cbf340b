// Keeps what is marked as live up to date while somebody looks, without a reload, and lets the
// slider of a cluster's history select one operation.
"use strict";
const period = 5000;

async function refresh() {
  if (document.hidden) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "manual" });
  if (answer.status === 401 || answer.type === "opaqueredirect") {
    location.reload(); // the session has ended: the server sends to the login
    return;
  }
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    // What has the focus, or is being read from a selection, stays as it is.
    if (!next || part.contains(document.activeElement) || !getSelection().isCollapsed || next.innerHTML === part.innerHTML) continue;
    part.replaceChildren(...next.childNodes);
  }
}

if (document.querySelector("[data-live]")) {
  setInterval(() => refresh().catch(() => {}), period);
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
