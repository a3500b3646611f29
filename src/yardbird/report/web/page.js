"use strict";
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const drawn = new Set();
  const pixelsASecond = Number(document.body.dataset.pixelsASecond); // of a piano roll

  /** The colours and fonts of the page, for a chart. */
  function theme() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const axis = { automargin: true, gridcolor: colour("--line"), zerolinecolor: colour("--line"), linecolor: colour("--line") };
    const font = { color: colour("--ink"), family: "system-ui, sans-serif", size: 12 };
    return { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font, xaxis: axis, yaxis: axis };
  }

  function themed(layout) {
    const { xaxis, yaxis, ...rest } = theme();
    return { ...layout, ...rest, xaxis: { ...layout.xaxis, ...xaxis }, yaxis: { ...layout.yaxis, ...yaxis } };
  }

  function draw(plot) {
    const figure = JSON.parse(document.querySelector(`script[data-for="${plot.id}"]`).textContent);
    const options = { responsive: true, displayModeBar: false };
    drawn.add(plot);
    return Plotly.newPlot(plot, figure.data, themed(figure.layout), options);
  }

  // Charts are drawn shortly before they become visible, because drawing all at once is slow on a phone.
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((one) => one.isIntersecting)) {
      near.unobserve(entry.target);
      draw(entry.target);
    }
  }, { rootMargin: "600px" });
  for (const plot of document.querySelectorAll(".plot")) near.observe(plot);

  dark.addEventListener("change", () => {
    for (const plot of drawn) Plotly.react(plot, plot.data, themed(plot.layout));
  });

  for (const choice of document.querySelectorAll("select[data-chart]")) {
    choice.addEventListener("change", async () => {
      const plot = document.getElementById(choice.dataset.chart);
      if (!drawn.has(plot)) await draw(plot);
      await Plotly.restyle(plot, { visible: plot.data.map((_, place) => place === Number(choice.value)) });
      Plotly.relayout(plot, { "xaxis.autorange": true, "yaxis.autorange": true });
    });
  }

  // One sound plays at a time. Its playhead follows the roll, and a click on the roll seeks to that point.
  const sounds = [...document.querySelectorAll("audio")];
  for (const player of document.querySelectorAll(".player")) {
    const sound = player.querySelector("audio");
    const roll = player.querySelector(".roll");
    const head = roll?.querySelector(".head");
    const countIn = () => Number(player.dataset.countInSeconds); // at the start of the sound, before the roll
    const scroll = player.querySelector(".wide");
    let frame = 0;
    const follow = () => {
      cancelAnimationFrame(frame); // a seek during playback would start a second animation loop
      if (head) {
        const x = Math.max(0, sound.currentTime - countIn()) * pixelsASecond;
        head.setAttribute("x1", x);
        head.setAttribute("x2", x);
        if (!sound.paused && (x < scroll.scrollLeft || x > scroll.scrollLeft + scroll.clientWidth - 40)) {
          scroll.scrollLeft = x - 40;
        }
      }
      if (!sound.paused) frame = requestAnimationFrame(follow);
    };
    sound.addEventListener("play", () => {
      for (const other of sounds) if (other !== sound) other.pause();
      follow();
    });
    sound.addEventListener("seeked", follow);
    roll?.addEventListener("click", (event) => {
      sound.currentTime = countIn() + (event.clientX - roll.getBoundingClientRect().left) / pixelsASecond;
      sound.play().catch(() => {}); // refused by the browser, or paused before it started: the controls show the state
    });
  }

  // The download of a sound is that of its player, which is in the page once.
  for (const link of document.querySelectorAll("a[data-sound]")) {
    link.href = link.closest("article, .step").querySelector("audio").src;
  }

  for (const strip of document.querySelectorAll(".strip")) {
    const show = () => {
      const chosen = strip.querySelector("input:checked").value;
      for (const step of strip.querySelectorAll(".step")) {
        step.hidden = step.dataset.step !== chosen;
        if (step.hidden) step.querySelector("audio").pause();
      }
    };
    strip.addEventListener("change", show);
    show();
  }
})();
