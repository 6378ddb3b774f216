// The findings, the picture of the whole run above the chart, and its ruler.

// ---- colours ----------------------------------------------------------------------------------

let paint = {};
const patterns = {};

function readColours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["surface", "raised", "line", "grid", "ink", "soft", "faint", "executed", "pulled", "transferred", "exported",
    "internal", "cached", "failed", "critical", "select", "hover", "track", "edge", "focus", "warn", "sans"];
  paint = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  paint.unbegun = paint.faint;
  for (const kind of ["executed", "pulled", "transferred", "exported", "failed"]) patterns[kind] = patternOf(kind);
}

// The same patterns as in style.css, so that kinds differ without colour too.
function patternOf(kind) {
  const tile = document.createElement("canvas");
  const ratio = devicePixelRatio || 1;
  const side = 6;
  tile.width = tile.height = Math.round(side * ratio);
  const c = tile.getContext("2d");
  c.scale(tile.width / side, tile.height / side);
  c.fillStyle = paint[kind];
  c.fillRect(0, 0, side, side);
  c.strokeStyle = c.fillStyle = paint.surface;
  c.globalAlpha = 0.75;
  const line = (...points) => { c.beginPath(); for (let i = 0; i < points.length; i += 4) { c.moveTo(points[i], points[i + 1]); c.lineTo(points[i + 2], points[i + 3]); } c.stroke(); };
  c.lineWidth = 1.6;
  if (kind === "pulled") { c.beginPath(); c.arc(3, 3, 1.2, 0, 7); c.fill(); }
  if (kind === "transferred") line(-1, 7, 7, -1, -1, 1, 1, -1, 5, 7, 7, 5);
  if (kind === "exported") c.fillRect(2, 0, 1.8, side);
  c.lineWidth = 1;
  if (kind === "failed") line(0, 0, 6, 6, 6, 0, 0, 6);
  const pattern = c.createPattern(tile, "repeat");
  pattern.setTransform(new DOMMatrix().scale(1 / ratio));
  return pattern;
}

// ---- canvases ---------------------------------------------------------------------------------

const GUTTER = () => $("count").offsetWidth;

// The context of a canvas, as large as its element and as sharp as the screen.
function fitted(canvas) {
  const ratio = devicePixelRatio || 1;
  const [width, tall] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(tall * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(tall * ratio);
  }
  const c = canvas.getContext("2d");
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, width, tall);
  c.font = `11px ${paint.sans}`;
  c.textBaseline = "middle";
  return [c, width, tall];
}

const PAD = 16;
const across = (ms, width) => PAD + ((ms - view.from) / (view.to - view.from)) * (width - 2 * PAD);
const timeAt = (x, width) => view.from + ((x - PAD) / (width - 2 * PAD)) * (view.to - view.from);

// Round moments, near enough together to be read.
function ticks(from, to, width) {
  const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 144e5, 432e5, 864e5];
  const step = steps.find((each) => (each / (to - from)) * width > 76) ?? steps.at(-1);
  const all = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) all.push(at);
  return { step, all };
}

function clock(ms, step) {
  if (ms === 0) return "0";
  if (step >= 1000 && ms >= 60000) return `${Math.floor(ms / 60000)}:${String(Math.floor((ms % 60000) / 1000)).padStart(2, "0")}`;
  if (step >= 1000) return `${ms / 1000}s`;
  if (step >= 100) return `${(ms / 1000).toFixed(1)}s`;
  return step >= 10 ? `${(ms / 1000).toFixed(2)}s` : `${Math.round(ms)}ms`;
}

function drawRuler() {
  const [c, width, tall] = fitted($("ruler"));
  const { step, all } = ticks(view.from, view.to, width - 2 * PAD);
  c.fillStyle = paint.soft;
  c.strokeStyle = paint.edge;
  for (const at of all) {
    const x = Math.round(across(at, width)) + 0.5;
    c.beginPath(); c.moveTo(x, tall - 6); c.lineTo(x, tall); c.stroke();
    const text = clock(at, step);
    c.fillText(text, Math.min(x - c.measureText(text).width / 2, width - c.measureText(text).width - 2), 10);
  }
  if (state.cursor !== null) {
    const x = across(state.cursor, width);
    const text = duration(Math.max(0, state.cursor));
    const wide = c.measureText(text).width + 10;
    const left = Math.max(0, Math.min(width - wide, x - wide / 2));
    c.fillStyle = paint.ink; c.beginPath(); c.roundRect(left, 3, wide, 16, 4); c.fill();
    c.fillStyle = paint.surface; c.fillText(text, left + 5, 11.5);
  }
}

// How many services were built at each moment, and how many of those are on the critical path.
const load = (() => {
  const changes = [];
  for (const job of run.jobs) {
    if (job.began !== null) changes.push([job.began, 1, job.critical ? 1 : 0], [job.ended, -1, job.critical ? -1 : 0]);
  }
  changes.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const points = [[0, 0, 0]];
  let [now, path] = [0, 0];
  for (const [at, change, critical] of changes) {
    now += change; path += critical;
    if (points.at(-1)[0] === at) points.pop();
    points.push([at, now, path]);
  }
  points.push([WHOLE, 0, 0]);
  return points;
})();

function drawOverview() {
  const [c, width, tall] = fitted($("overview"));
  const most = Math.max(found.peak, 1);
  const x = (ms) => PAD + (ms / WHOLE) * (width - 2 * PAD);
  const y = (number) => tall - 3 - (number / most) * (tall - 12);
  const area = (which, colour, alpha) => {
    c.globalAlpha = alpha; c.fillStyle = colour; c.beginPath(); c.moveTo(x(0), y(0));
    for (let i = 0; i + 1 < load.length; i += 1) { c.lineTo(x(load[i][0]), y(load[i][which])); c.lineTo(x(load[i + 1][0]), y(load[i][which])); }
    c.lineTo(x(WHOLE), y(0)); c.fill(); c.globalAlpha = 1;
  };
  area(1, paint.executed, 0.3);
  area(2, paint.critical, 0.75);
  if (run.parallel > 0 && run.parallel <= most) {
    c.strokeStyle = paint.soft; c.setLineDash([3, 3]); c.beginPath(); c.moveTo(x(0), y(run.parallel) + 0.5); c.lineTo(x(WHOLE), y(run.parallel) + 0.5); c.stroke(); c.setLineDash([]);
  }
  const [left, right] = [x(view.from), x(view.to)];
  c.fillStyle = paint.raised; c.globalAlpha = 0.78;
  c.fillRect(0, 0, left, tall); c.fillRect(right, 0, width - right, tall);
  c.globalAlpha = 1; c.strokeStyle = paint.focus;
  if (view.from > 0 || view.to < WHOLE) c.strokeRect(left + 0.5, 0.5, Math.max(1, right - left - 1), tall - 1);
}

// ---- findings ---------------------------------------------------------------------------------

function finding(title, value, text, items) {
  return h("article", { class: "card" }, h("h2", {}, title, h("b", {}, value)), h("p", { title: text }, text), h("ul", {}, items));
}

function item(at, label, number, [from, share], tint, extra) {
  const bar = h("span", { class: "share" });
  bar.style.left = `${(100 * from) / WHOLE}%`;
  bar.style.width = `${Math.min(100, (100 * share) / WHOLE)}%`;
  bar.style.setProperty("--tint", `var(--${tint})`);
  const button = h("button", { type: "button", title: extra, onclick: () => show(at) }, bar, h("span", { class: "what" }, label), h("span", { class: "num" }, number));
  return h("li", {}, button);
}

const stepLabel = (job, step) => [h("b", {}, job.name), " ", h("i", {}, instruction(step.name))];

function criticalCard() {
  const jobs = run.critical.map((id) => run.jobs[id]);
  const longest = jobs.slice().sort((a, b) => b.took - a.took).slice(0, 4);
  const text = jobs.length === 0 ? "Nothing was built"
    : jobs.length === 1 ? "One service"
      : `${count(jobs.length, "service")}, one after the other`;
  // A short path is not what the run was waiting for.
  const room = found.critical < WHOLE / 2 && found.queued.jobs ? "; else it lacked room" : "";
  return finding("Critical path", jobs.length ? percent(found.critical, WHOLE) : "–", text + room,
    longest.sort((a, b) => a.began - b.began).map((job) => item({ job: job.id, step: -1 }, [h("b", {}, job.name)], duration(job.took), [job.began, job.took], "critical")));
}

function slowCard() {
  const steps = found.slow.map(([job, place]) => [run.jobs[job], run.jobs[job].steps[place]]);
  const onPath = steps.filter(([, step]) => step.critical).length;
  const text = steps.length ? (onPath ? `${onPath} of these ${steps.length} on the critical path ◆` : "None of these on the critical path") : "No step took long";
  return finding("Slowest steps", steps.length ? duration(steps[0][1].took) : "–", text, steps.slice(0, 4).map(([job, step]) =>
    item({ job: job.id, step: step.place }, [step.critical ? h("span", { class: "is-critical" }, "◆ ") : "", ...stepLabel(job, step)], duration(step.took), [0, step.took], step.does, step.name)));
}

function cacheCard() {
  const sum = (which) => run.jobs.reduce((all, job) => all + job[which], 0);
  const [cached, total] = [sum("cached"), sum("total")];
  const text = total === 0 ? "There are no steps of Dockerfiles"
    : found.losers ? `${count(found.losers, "service")} lost the cache, first at`
      : cached === total ? "Everything was there already" : cached === 0 ? "Nothing came from the cache" : "No service lost it midway";
  return finding("From the cache", total ? `${cached} of ${total}` : "–", text, found.lost.slice(0, 4).map((lost) => {
    const job = run.jobs[lost.job];
    return item({ job: lost.job, step: lost.step }, stepLabel(job, job.steps[lost.step]), `+${duration(lost.cost)}`, [0, lost.cost], "executed", `${job.steps[lost.step].name}: the first step that had to run; from there on ${duration(lost.cost)} of work`);
  }));
}

function sideCard() {
  const mean = found.busy / WHOLE;
  const alone = found.alone.slice(0, 4);
  const waited = found.queued.jobs ? `${count(found.queued.jobs, "service")} waited for room, up to ${duration(found.queued.longest)}` : "";
  const text = run.jobs.length < 2 ? "There is one service only"
    : waited || (alone.length ? "Built alone, while others waited" : "No service held up the others for long");
  return finding("Side by side", run.parallel ? `${mean.toFixed(1)} of ${Math.max(1, Math.min(run.parallel, run.jobs.length))}` : mean.toFixed(1), text, alone.map((one) =>
    item({ job: one.job, step: -1 }, [h("b", {}, run.jobs[one.job].name), h("i", {}, ` alone, ${one.waiting} waiting`)], duration(one.to - one.from), [one.from, one.to - one.from], "warn", `from ${duration(one.from)} to ${duration(one.to)}`)));
}

function fillHead() {
  const word = { built: "built", failed: "failed", stopped: "stopped", unfinished: "not finished" }[run.result];
  $("project").title = run.directory;
  $("project").append(run.project, h("small", {}, ` ${run.verb}`));
  $("result").className = `pill ${run.result}`;
  $("result").textContent = `${MARKS[run.result] ?? "…"} ${word} in ${duration(run.took)}`;
  const services = run.jobs.reduce((all, job) => all + job.services.length, 0);
  const when = new Date(run.began).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  $("facts").textContent = [when, count(services, "service"), run.engine, run.parallel ? `${run.parallel} side by side` : null, `dcb ${run.dcb}`].filter(Boolean).join("  ·  ");
  document.title = `${run.project}: ${word} in ${duration(run.took)} · dcb timeline`;
  $("findings").append(criticalCard(), slowCard(), cacheCard(), sideCard());
  $("corner").append(h("b", {}, "Services at once"), h("br"), `at most ${found.peak}; `, h("span", { class: "is-critical" }, "critical path"));
  const signs = ["executed", "cached", "transferred", "pulled", "exported", "internal"];
  if (run.jobs.some((job) => job.steps.some((step) => step.does === "failed"))) signs.push("failed");
  $("legend").append(...signs.map((kind) => h("li", {}, h("span", { class: `sign ${kind}` }), WORDS[kind])),
    h("li", {}, h("span", { class: "sign on-path" }), "critical path"), h("li", {}, h("span", { class: "sign queued" }), "waited for room"));
}
