"use strict";
// The same page on a server and in an exported file, for all kinds of questions and all languages. Only the destination of
// the answers differs: `online` or `offline`. A state is what the server's State is: progress, and the next question.

const test = JSON.parse(document.getElementById("test").textContent);
const element = (id) => document.getElementById(id);
const audio = element("audio");
const backend = test.sounds ? offline() : online();
let language = preferred();
let profile = null; // expertise, from consent until the listener is enrolled
let state = null;
let playing = null; // the sound in the audio element
let heard = {}; // clip → seconds of it that have been played
let trial = null; // of the headphone check: number, order of the tones, right answers so far
let sending = false;

// ---- languages

function preferred() {
  const wanted = [location.hash.slice(1), ...navigator.languages].flatMap((tag) => [tag, tag.split("-")[0]]);
  return wanted.find((tag) => tag in test.messages) ?? Object.keys(test.messages)[0];
}

function text(key, values = {}) {
  return test.messages[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? test.values[name]);
}

function put(target, key, values = {}) { // a text that changes with the language
  Object.assign(target.dataset, { text: key, ...values });
  target.textContent = key && text(key, target.dataset);
}

function translate() {
  document.documentElement.lang = language;
  document.title = text(`question.${test.mode}`);
  for (const target of document.querySelectorAll("[data-text]")) put(target, target.dataset.text);
  for (const target of document.querySelectorAll("[data-label]")) target.setAttribute("aria-label", text(target.dataset.label));
  if (element("language")) element("language").value = language;
}

function say(key) {
  put(element("status"), key);
}

// ---- where answers go

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
    enrol: (listener) => ask("api/listeners", listener),
    vote: (given) => ask("api/votes", given), // may be sent again: the first answer counts
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
    const { question, clips, turned } = answers.order[answers.votes.length] ?? { question: null, clips: [] };
    const [shown, codes] = [clips, test.answers].map((items) => turned ? [...items].reverse() : items);
    return { answered: answers.votes.length, total: test.questions.length, question, clips: shown, answers: codes };
  }
  return {
    sound: (id) => test.sounds[id],
    state() {
      read();
      return state();
    },
    enrol(listener) {
      read();
      const id = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      const order = shuffled(test.questions).map((clips) => ({ question: clips[0], clips, turned: clips.length > 1 && random(2) === 1 }));
      answers ??= { listener: id, profile: listener, order, votes: [] };
      return keep();
    },
    vote(given) {
      read();
      if (!answers.votes.some((vote) => vote.question === given.question)) answers.votes.push(given); // the first answer counts
      return keep();
    },
    file() {
      const { listener, profile, votes } = answers;
      return JSON.stringify({ format: "yardbird-blind-test-2", test: test.id, listener, profile, votes });
    },
  };
}

function random(below) {
  return Math.floor(crypto.getRandomValues(new Uint32Array(1))[0] / 2 ** 32 * below);
}

function shuffled(items) {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) { // Fisher–Yates
    const chosen = random(last + 1);
    [order[last], order[chosen]] = [order[chosen], order[last]];
  }
  return order;
}

// ---- views

function view(name) {
  for (const section of document.querySelectorAll("section")) section.hidden = section.id !== name;
  element(name).querySelector("h2[tabindex]")?.focus();
}

function show(next) {
  audio.pause();
  state = next;
  if (!state) return view("welcome");
  if (!state.question) {
    view("done");
    if (backend.file) element("saved").value = backend.file();
    return;
  }
  heard = {};
  put(element("count"), "count", { number: state.answered + 1, total: state.total });
  element("progress").max = state.total;
  element("progress").value = state.answered;
  element("why").value = "";
  element("players").replaceChildren(...state.clips.map((clip, index) => {
    const [button, label] = choice("", state.clips.length > 1 ? "AB"[index] : "key.space", "wide");
    button.dataset.clip = clip;
    label.className = "action";
    if (state.clips.length > 1) button.prepend(`${"AB"[index]}: `);
    button.addEventListener("click", () => toggle(clip));
    return button;
  }));
  element("answers").replaceChildren(...state.answers.map((code, index) => {
    const [button] = test.mode === "pairs" ? choice("answer.pairs", "←→"[index], "", { name: "AB"[index] })
      : choice(`answer.${code}`, test.mode === "yes_no" ? `key.${code}` : "");
    if (test.mode === "scale") button.prepend(Object.assign(document.createElement("b"), { textContent: code }), " ");
    button.addEventListener("click", () => answer(index));
    return button;
  }));
  load(state.clips[0]);
  view("listening");
  allow();
  element("players").firstChild.focus();
}

function choice(key, hint, style = "", values = {}) { // a button with its key; the hint is a text or the key of one
  const button = Object.assign(document.createElement("button"), { type: "button", className: style });
  const label = document.createElement("span");
  if (key) put(label, key, values);
  const tip = Object.assign(document.createElement("span"), { className: "key", ariaHidden: "true" });
  if (hint in test.messages[language]) put(tip, hint);
  else tip.textContent = hint;
  button.append(label, tip);
  return [button, label];
}

// ---- sound

function load(sound, address = backend.sound(sound)) {
  playing = sound;
  element("position").value = 0;
  audio.src = address;
  label();
}

function label() {
  for (const button of element("players").children) {
    const current = button.dataset.clip === playing;
    const key = current && !audio.paused ? "pause" : current && audio.currentTime && !audio.ended ? "resume" : heard[button.dataset.clip] ? "again" : "play";
    put(button.querySelector(".action"), key);
  }
}

async function toggle(sound, address) {
  if (playing !== sound) load(sound, address);
  else if (!audio.paused) return audio.pause();
  else if (audio.error) audio.load(); // otherwise play() does not request the sound again
  try {
    await audio.play();
    say("");
  } catch (error) {
    if (error.name !== "AbortError") say("error.play");
  }
}

function allow() { // answers are possible when every clip of the question has been heard
  const ready = !sending && state?.question && state.clips.every((clip) => heard[clip] >= test.least_seconds);
  for (const button of element("answers").children) button.disabled = !ready;
}

// ---- the headphone check: Woods et al., Attention, Perception & Psychophysics 79, 2017. Which of three tones is the
// quietest? One is 6 dB lower. Another is in antiphase: between loudspeakers it nearly vanishes, in headphones it does not.

function tones(order, rate = 22050) { // interleaved stereo samples; tones of 200 Hz last 1 s, with pauses of 0.5 s
  const samples = new Int16Array(2 * rate * 4);
  order.forEach((kind, index) => {
    for (let frame = 0; frame < rate; frame++) {
      const seconds = frame / rate;
      const edge = Math.min(1, seconds / 0.1, (1 - seconds) / 0.1); // ramps of 100 ms: no clicks
      const level = 0.1 * edge * Math.sin(2 * Math.PI * 200 * seconds) * (kind === "quiet" ? 10 ** (-6 / 20) : 1);
      const place = 2 * (Math.round(1.5 * rate) * index + frame);
      samples[place] = 32767 * level;
      samples[place + 1] = kind === "antiphase" ? -samples[place] : samples[place];
    }
  });
  return samples;
}

function wave(samples, rate = 22050) { // a stereo WAV file; an audio element also plays when a phone is on silent
  const header = new DataView(new ArrayBuffer(44));
  const write = (place, name) => [...name].forEach((letter, index) => header.setUint8(place + index, letter.charCodeAt(0)));
  write(0, "RIFF");
  header.setUint32(4, 36 + samples.byteLength, true);
  write(8, "WAVEfmt ");
  [[16, 16], [24, rate], [28, 4 * rate], [40, samples.byteLength]].forEach(([place, value]) => header.setUint32(place, value, true));
  [[20, 1], [22, 2], [32, 4], [34, 16]].forEach(([place, value]) => header.setUint16(place, value, true));
  write(36, "data");
  return URL.createObjectURL(new Blob([header, samples], { type: "audio/wav" }));
}

function tryTones() {
  trial = { number: (trial?.number ?? 0) + 1, right: trial?.right ?? 0, order: shuffled(["plain", "quiet", "antiphase"]) };
  element("offer").hidden = true;
  element("trial").hidden = false;
  put(element("trial-count"), "headphones.again", { number: trial.number });
  for (const button of document.querySelectorAll("[data-tone]")) button.disabled = true;
  toggle(`tones ${trial.number}`, wave(tones(trial.order)));
}

function judgeTones(index) {
  if (document.querySelector("[data-tone]").disabled) return;
  trial.right += trial.order[index] === "quiet" ? 1 : 0;
  if (trial.number < test.trials) return tryTones();
  enrol(trial.right);
}

async function enrol(headphones) {
  audio.pause();
  try {
    show(await backend.enrol({ consent: true, expertise: profile, headphones }));
    say("");
  } catch {
    say("error.start");
    trial = null;
    element("offer").hidden = false;
    element("trial").hidden = true;
  }
}

// ---- answers

async function answer(index) {
  if (sending || element("answers").children[index].disabled) return;
  sending = true;
  allow();
  const why = element("why").value.replace(/[\ud800-\udfff]/gu, ""); // half a character cannot be sent
  const given = { question: state.question, answer: state.answers[index], why };
  for (let wait = 1; ; wait = Math.min(wait * 2, 10)) {
    try {
      const next = await backend.vote(given);
      sending = false;
      say("");
      return show(next);
    } catch {
      say("error.vote");
      await new Promise((resolve) => setTimeout(resolve, wait * 1000));
    }
  }
}

element("consent").addEventListener("submit", (event) => {
  event.preventDefault();
  audio.pause();
  profile = new FormData(event.target).get("expertise");
  view("sound");
});
element("volume").addEventListener("click", () => toggle(test.volume));
element("check").addEventListener("click", tryTones);
element("skip").addEventListener("click", () => enrol(null));
for (const button of document.querySelectorAll("[data-tone]")) button.addEventListener("click", () => judgeTones(Number(button.dataset.tone)));
for (const button of document.querySelectorAll("[data-example]")) button.addEventListener("click", () => toggle(button.dataset.example));
for (const name of ["play", "pause", "ended"]) audio.addEventListener(name, label);
audio.addEventListener("error", () => state?.question && say("error.load"));
audio.addEventListener("ended", () => {
  if (trial && !state) for (const button of document.querySelectorAll("[data-tone]")) button.disabled = false;
});
audio.addEventListener("timeupdate", () => {
  heard[playing] = Math.max(heard[playing] ?? 0, audio.currentTime);
  element("position").value = audio.currentTime / test.seconds;
  allow();
});
document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || event.target.closest("textarea, select, summary, input")) return;
  const key = event.key.toLowerCase();
  if (!element("trial").hidden && !state && "123".includes(key)) return judgeTones(Number(key) - 1);
  if (!state?.question) return;
  const keys = test.mode === "scale" ? ["1", "2", "3", "4", "5"] : ["arrowleft", "arrowright"];
  const letters = test.mode === "yes_no" ? [text("key.no").toLowerCase(), text("key.yes").toLowerCase()] : [];
  const place = Math.max(keys.indexOf(key), letters.indexOf(key));
  const onButton = event.target instanceof HTMLButtonElement; // on a button, the browser treats space as a click
  const player = state.clips.length > 1 ? "ab".indexOf(key) : -1;
  if (place >= 0) answer(place);
  else if (player >= 0) toggle(state.clips[player]);
  else if (key === " " && !onButton) toggle(playing);
  else return;
  event.preventDefault();
});
element("language")?.addEventListener("change", (event) => {
  language = event.target.value;
  location.hash = language; // it stays when the page is loaded again
  translate();
});
element("download")?.addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([backend.file()], { type: "application/json" }));
  link.download = `blind-test-${JSON.parse(backend.file()).listener.slice(0, 8)}.json`;
  link.click();
});

(async () => {
  translate();
  try {
    show(await backend.state());
  } catch {
    say("error.reach");
  }
})();
