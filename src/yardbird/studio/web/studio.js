"use strict";
(() => {
  // Gradio replaces the results, so players are set up when they first appear in the page.

  /** Move the line in a piano roll to a time, and keep it in view while the sound plays. */
  function showTime(box, seconds, pixels, playing) {
    const head = box?.querySelector(".head");
    if (!head) return;
    const x = Math.max(0, seconds) * pixels;
    head.setAttribute("x1", x);
    head.setAttribute("x2", x);
    if (playing && (x < box.scrollLeft || x > box.scrollLeft + box.clientWidth - 40)) box.scrollLeft = x - 40;
  }

  function pauseOthers(sound) {
    for (const other of document.querySelectorAll("audio")) if (other !== sound) other.pause();
    if (sound) document.dispatchEvent(new CustomEvent("yardbird-stop"));
  }

  function setUpPlayer(player) {
    const sound = player.querySelector("audio");
    const box = player.querySelector(".yb-wide");
    const pixels = Number(player.dataset.pixels);
    const countIn = Number(player.dataset.countIn); // at the start of the sound, before the roll
    let frame = 0;
    const follow = () => {
      cancelAnimationFrame(frame);
      showTime(box, sound.currentTime - countIn, pixels, !sound.paused);
      if (!sound.paused && player.isConnected) frame = requestAnimationFrame(follow);
    };
    sound.addEventListener("play", () => { pauseOthers(sound); follow(); });
    sound.addEventListener("seeked", follow);
    box.querySelector(".roll").addEventListener("click", (event) => {
      const left = event.currentTarget.getBoundingClientRect().left;
      sound.currentTime = countIn + (event.clientX - left) / pixels;
      sound.play().catch(() => {}); // refused by the browser: the controls show the state
    });
  }

  /** The steps between two solos: all are decoded before the first sounds, and a step starts as the other fades. */
  function setUpBetween(section) {
    const steps = [...section.querySelectorAll(".yb-step")];
    const button = section.querySelector(".yb-play");
    const slider = section.querySelector(".yb-step-slider");
    const output = section.querySelector("output");
    const FADE = 0.03; // seconds
    let context, buffers, playing = null, shown = 0, place = 0; // place: the share of the solo that has sounded

    const length = (step) => Number(steps[step].dataset.seconds);
    const position = () => playing
      ? ((playing.place + (context.currentTime - playing.since) / length(playing.step)) % 1 + 1) % 1 : place;

    async function decode() {
      context ??= new AudioContext();
      await context.resume();
      buffers ??= await Promise.all(steps.map(async (step) => {
        const bytes = Uint8Array.from(atob(step.dataset.sound.split(",")[1]), (letter) => letter.charCodeAt(0));
        return context.decodeAudioData(bytes.buffer);
      }));
    }

    function start(step, from) {
      const source = context.createBufferSource(), volume = context.createGain(), now = context.currentTime;
      source.buffer = buffers[step];
      source.loop = true;
      source.loopEnd = Math.min(length(step), buffers[step].duration);
      volume.gain.setValueAtTime(0, now);
      volume.gain.linearRampToValueAtTime(1, now + FADE);
      source.connect(volume).connect(context.destination);
      source.start(now, from * source.loopEnd);
      playing = { source, volume, step, since: now, place: from };
    }

    function stop() {
      if (!playing) return;
      const now = context.currentTime;
      place = position();
      playing.volume.gain.setValueAtTime(1, now);
      playing.volume.gain.linearRampToValueAtTime(0, now + FADE);
      playing.source.stop(now + FADE);
      playing = null;
    }

    function show(step) {
      steps[shown].hidden = true;
      steps[step].hidden = false;
      output.value = `${step + 1} of ${steps.length}`;
      shown = step;
    }

    function draw() {
      if (!section.isConnected) return stop();
      showTime(steps[shown].querySelector(".yb-wide"), position() * length(shown), Number(steps[shown].dataset.pixels), playing);
      if (playing) requestAnimationFrame(draw);
    }

    function label() {
      button.textContent = playing ? "Pause" : "Play";
      button.setAttribute("aria-pressed", String(Boolean(playing)));
    }

    button.addEventListener("click", async () => {
      if (playing) stop();
      else {
        pauseOthers(null);
        button.disabled = true;
        await decode();
        button.disabled = false;
        button.focus();
        start(shown, place);
        draw();
      }
      label();
    });
    slider.addEventListener("input", () => {
      const step = Number(slider.value) - 1;
      if (playing) {
        stop();
        show(step);
        start(step, place);
      } else show(step);
      draw();
    });
    document.addEventListener("yardbird-stop", () => { stop(); label(); });
  }

  /** Refuse files that the server would refuse; Gradio itself shows no reason. */
  function refuseLargeFiles(event) {
    const place = event.target.closest?.(".yb-file-drop");
    const files = [...(event.dataTransfer?.files ?? event.target.files ?? [])];
    if (!place || !files.length) return;
    place.parentElement.querySelector(".yb-too-large")?.remove();
    const most = Number(document.querySelector("meta[name=yardbird-most-bytes]").content);
    const large = files.find((file) => file.size > most);
    if (!large) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    if (event.target.type === "file") event.target.value = "";
    const notice = document.createElement("p");
    notice.className = "yb-notice yb-too-large";
    notice.setAttribute("role", "alert");
    notice.textContent = `${large.name}: expected at most ${most / 1e6} MB, found ${(large.size / 1e6).toFixed(1)} MB; export the solo alone`;
    place.after(notice);
  }
  for (const kind of ["change", "drop"]) document.addEventListener(kind, refuseLargeFiles, true);

  const setUps = { ".yb-player": setUpPlayer, ".yb-between": setUpBetween };
  const known = new WeakSet();
  function setUp() {
    for (const [selector, prepare] of Object.entries(setUps)) {
      for (const element of document.querySelectorAll(selector)) {
        if (!known.has(element)) { known.add(element); prepare(element); }
      }
    }
  }
  new MutationObserver(setUp).observe(document.documentElement, { childList: true, subtree: true });
  document.documentElement.lang = "en";
})();
