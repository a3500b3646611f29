"use strict";
// The same page on a server and in an exported file; only the destination of the answers differs: `online` or `offline`.

const test = JSON.parse(document.getElementById("test").textContent);
const element = (id) => document.getElementById(id);
const audio = element("audio");
const backend = test.sounds ? offline() : online();
let clip = null; // the clip to judge now; null: none
let heard = 0; // seconds of it that have been played
let sending = false;

function online() {
  async function ask(path, body) {
    const request = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    const reply = await fetch(path, { credentials: "same-origin", cache: "no-store", ...request });
    if (reply.status === 401 || reply.status === 409) return ask("api/state"); // withdrawn, or answered in another tab
    if (!reply.ok) throw new Error(`${path}: ${reply.status}`);
    return reply.json();
  }
  return {
    sound: (id) => `clips/${id}.wav`,
    state: () => ask("api/state"),
    enrol: (expertise) => ask("api/listeners", { consent: true, expertise }),
    vote: (id, yes) => ask("api/votes", { clip: id, yes }), // may be sent again: the first answer counts
  };
}

function offline() {
  const place = `yardbird-blind-test-${test.id}`;
  let answers = null;
  function read() { // before every change, because another tab may have added answers
    try {
      answers = JSON.parse(localStorage.getItem(place)) ?? answers;
    } catch { /* this browser stores nothing for local files: answers are lost when the page closes */ }
  }
  function keep() {
    try {
      localStorage.setItem(place, JSON.stringify(answers));
    } catch { /* as above */ }
    return state();
  }
  function state() {
    if (!answers) return null;
    const left = answers.order.slice(answers.votes.length);
    return { answered: answers.votes.length, total: test.clips.length, clip: left[0] ?? null };
  }
  return {
    sound: (id) => test.sounds[id],
    state() {
      read();
      return state();
    },
    enrol(expertise) {
      read();
      const listener = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      answers ??= { listener, expertise, order: shuffled(test.clips), votes: [] };
      return keep();
    },
    vote(id, yes) {
      read();
      if (!answers.votes.some((vote) => vote.clip === id)) answers.votes.push({ clip: id, yes }); // the first answer counts
      return keep();
    },
    file() {
      const { listener, expertise, votes } = answers;
      return JSON.stringify({ format: "yardbird-blind-test-1", test: test.id, listener, expertise, consent: true, votes });
    },
  };
}

function shuffled(items) {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) { // Fisher–Yates
    const chosen = Math.floor(crypto.getRandomValues(new Uint32Array(1))[0] / 2 ** 32 * (last + 1));
    [order[last], order[chosen]] = [order[chosen], order[last]];
  }
  return order;
}

function show(state) {
  const view = !state ? "welcome" : state.clip ? "listening" : "done";
  for (const name of ["welcome", "listening", "done"]) element(name).hidden = name !== view;
  audio.pause();
  clip = state?.clip ?? null;
  if (view === "listening") {
    element("count").textContent = `Clip ${state.answered + 1} of ${state.total}`;
    element("progress").max = state.total;
    element("progress").value = state.answered;
    load(clip);
    element("play").focus();
  } else if (view === "done") {
    element("done").querySelector("h2").focus();
    if (backend.file) element("answers").value = backend.file();
  }
}

function load(id) {
  heard = 0;
  element("yes").disabled = element("no").disabled = true;
  element("position").value = 0;
  audio.src = backend.sound(id);
  label();
}

function label() {
  element("play-label").textContent = !audio.paused ? "Pause" : audio.currentTime && !audio.ended ? "Resume" : heard ? "Play again" : "Play";
}

async function toggle() {
  if (!audio.paused) return audio.pause();
  if (audio.error) audio.load(); // otherwise play() does not request the sound again
  try {
    await audio.play();
    say("");
  } catch (error) {
    if (error.name !== "AbortError") say("The sound cannot be played. Please try again.");
  }
}

async function answer(yes) {
  if (!clip || sending || element("yes").disabled) return;
  sending = true;
  element("yes").disabled = element("no").disabled = true;
  const judged = clip;
  for (let wait = 1; ; wait = Math.min(wait * 2, 10)) {
    try {
      const state = await backend.vote(judged, yes);
      say("");
      show(state);
      break;
    } catch {
      say("Your answer has not been saved yet. Trying again …");
      await new Promise((resolve) => setTimeout(resolve, wait * 1000));
    }
  }
  sending = false;
}

function say(text) {
  element("status").textContent = text;
}

element("play").addEventListener("click", toggle);
element("yes").addEventListener("click", () => answer(true));
element("no").addEventListener("click", () => answer(false));
for (const button of document.querySelectorAll("[data-example]")) {
  button.addEventListener("click", () => {
    audio.src = backend.sound(button.dataset.example);
    toggle();
  });
}
for (const name of ["play", "pause", "ended"]) audio.addEventListener(name, label);
audio.addEventListener("error", () => clip && say("The sound could not be loaded. Press Play to try again."));
audio.addEventListener("timeupdate", () => {
  heard = Math.max(heard, audio.currentTime);
  element("position").value = audio.currentTime / test.seconds;
  if (clip && !sending && heard >= test.least_seconds) element("yes").disabled = element("no").disabled = false;
});
document.addEventListener("keydown", (event) => {
  if (!clip || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
  const key = event.key.toLowerCase();
  const onButton = event.target instanceof HTMLButtonElement; // on a button, the browser treats space as a click
  if (key === " " && !onButton) toggle();
  else if (key === "y" || key === "arrowright") answer(true);
  else if (key === "n" || key === "arrowleft") answer(false);
  else return;
  event.preventDefault();
});
element("consent").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter;
  button.disabled = true;
  try {
    show(await backend.enrol(new FormData(event.target).get("expertise")));
    say("");
  } catch {
    say("The test cannot be reached. Please try again.");
  }
  button.disabled = false;
});
element("download")?.addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([backend.file()], { type: "application/json" }));
  link.download = `blind-test-${JSON.parse(backend.file()).listener.slice(0, 8)}.json`;
  link.click();
});

(async () => {
  try {
    show(await backend.state());
  } catch {
    say("The test cannot be reached. Please load this page again.");
  }
})();
