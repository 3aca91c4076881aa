"use strict";
// The map of hosts and controls: one cell each, drawn as pixels, so that a thousand hosts are drawn in no time.
const heatMap = (canvas, { hosts, controls, statuses, tell, choose }) => {
  const NONE = 255;
  const MOST_PIXELS = 16000;
  const grid = new Uint8Array(hosts * controls).fill(NONE);
  const lit = new Uint8Array(hosts * controls);
  const high = Math.max(2, Math.min(14, Math.floor(640 / hosts) || 2));
  const shown = Math.min(hosts, Math.floor(MOST_PIXELS / high));
  const small = document.createElement("canvas");
  let wide = 4;
  let cursor = 0;
  let dimmed = false;

  const colours = () => {
    const style = getComputedStyle(document.documentElement);
    const names = { FAIL: "fail", ERROR: "unknown", UNREACHABLE: "unknown", MANUAL: "manual", WAIVED: "waived", PASS: "pass", NOT_APPLICABLE: "na" };
    const faint = { PASS: 0.3, NOT_APPLICABLE: 0.18 };
    return statuses.map((status) => {
      const hex = style.getPropertyValue(`--${names[status]}`).trim();
      return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)).concat(Math.round(255 * (faint[status] || 1)));
    });
  };

  function draw() {
    if (!hosts || !controls) return;
    const palette = colours();
    const image = new ImageData(controls, shown);
    for (let cell = 0; cell < controls * shown; cell += 1) {
      if (grid[cell] === NONE) continue;
      const [red, green, blue, strength] = palette[grid[cell]];
      const at = 4 * cell;
      image.data[at] = red;
      image.data[at + 1] = green;
      image.data[at + 2] = blue;
      image.data[at + 3] = dimmed && !lit[cell] ? strength / 8 : strength;
    }
    small.width = controls;
    small.height = shown;
    small.getContext("2d").putImageData(image, 0, 0);
    wide = Math.max(3, Math.min(24, canvas.parentElement.clientWidth / controls));
    canvas.width = Math.floor(wide * controls);
    canvas.height = high * shown;
    const pen = canvas.getContext("2d");
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, 0, 0, canvas.width, canvas.height);
    pen.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--ink");
    if (document.activeElement === canvas) {
      pen.lineWidth = 2;
      pen.strokeRect((cursor % controls) * wide - 1, Math.floor(cursor / controls) * high - 1, wide + 2, high + 2);
    }
  }

  const cellAt = (event) => {
    const box = canvas.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * controls);
    const row = Math.floor(((event.clientY - box.top) / box.height) * shown);
    return column >= 0 && column < controls && row >= 0 && row < shown ? row * controls + column : -1;
  };
  const say = (cell) => tell(cell < 0 ? null : { host: Math.floor(cell / controls), control: cell % controls, status: grid[cell] === NONE ? -1 : grid[cell] });
  const pick = (cell) => cell >= 0 && grid[cell] !== NONE && choose(Math.floor(cell / controls), cell % controls);

  canvas.addEventListener("mousemove", (event) => say(cellAt(event)));
  canvas.addEventListener("mouseleave", () => say(-1));
  canvas.addEventListener("click", (event) => pick(cellAt(event)));
  canvas.addEventListener("focus", () => { draw(); say(cursor); });
  canvas.addEventListener("blur", () => { draw(); say(-1); });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -controls, ArrowDown: controls }[event.key];
    if (event.key === "Enter") pick(cursor);
    else if (step === undefined) return;
    else if (cursor + step >= 0 && cursor + step < controls * shown) {
      cursor += step;
      draw();
      say(cursor);
    }
    event.preventDefault();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  window.addEventListener("resize", draw);

  return {
    shown,
    put(host, control, status) {
      const cell = host * controls + control;
      if (status < grid[cell]) grid[cell] = status;
    },
    light(host, control) { lit[host * controls + control] = 1; },
    dim(on) {
      dimmed = on;
      lit.fill(0);
    },
    draw,
  };
};
