// What the page knows, and the words for it.

const $ = (id) => document.getElementById(id);
const run = JSON.parse($("data").textContent);
const found = run.findings;
const WHOLE = Math.max(run.took, 1, ...run.jobs.map((job) => job.ended ?? 0));

// What is looked at. `step` is -1 for a service itself.
const state = { selected: null, hover: null, cursor: null, open: new Set(), order: "start", criticalOnly: false, query: "" };
const view = { from: 0, to: WHOLE };

// An element with attributes and children; text stays text.
function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function duration(ms) {
  const seconds = Math.round(ms / 1000);
  const two = (number) => String(number).padStart(2, "0");
  if (ms < 1000) return `${Math.round(ms)}ms`;
  if (ms < 59950) return `${(ms / 1000).toFixed(1)}s`;
  if (ms < 3599500) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  return `${Math.floor(seconds / 3600)}h ${two(Math.floor((seconds % 3600) / 60))}m`;
}

function bytes(number) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (number >= 1024 && unit + 1 < units.length) { number /= 1024; unit += 1; }
  return `${unit ? number.toFixed(1) : number} ${units[unit]}`;
}

const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
function percent(part, whole) {
  const share = Math.min(100, (100 * part) / Math.max(whole, 1));
  return share > 0 && share < 1 ? "under 1 %" : `${Math.round(share)} %`;
}

const KINDS = { instruction: "executed", base: "pulled", transfer: "transferred", export: "exported", internal: "internal" };
const WORDS = {
  executed: "executed", cached: "cached", transferred: "transferred", pulled: "pulled (base)", exported: "exported or pushed",
  internal: "the builder's own", failed: "failed", unbegun: "did not begin",
};
const MARKS = { built: "✓", failed: "✕", skipped: "⊘", stopped: "■", running: "…", waiting: "…" };

// What a step did: the one word that its colour, its pattern and its text come from.
function kindOf(step) {
  if (step.state === "failed") return "failed";
  if (step.state === "cached") return "cached";
  if (step.state === "waiting") return "unbegun";
  // A base image of which nothing moved was here already: the builder only looked it up.
  if (step.kind === "base" && !step.moved) return step.took === 0 ? "cached" : "internal";
  return KINDS[step.kind];
}

const neededBy = run.jobs.map(() => []);
run.jobs.forEach((job, id) => {
  job.id = id;
  job.name = job.services.join(", ");
  job.critical = run.critical.includes(id);
  for (const need of job.needs) neededBy[need]?.push(id);
  job.steps.forEach((step, place) => {
    step.place = place;
    step.does = kindOf(step);
    step.needs ??= [];
    step.text = step.name.toLowerCase();
  });
  job.text = job.name.toLowerCase();
  // Steps in the order in which they began; those that never did come last.
  job.order = job.steps.slice().sort((a, b) => (a.span?.[0] ?? Infinity) - (b.span?.[0] ?? Infinity) || a.place - b.place);
  pack(job);
});

// Gives each step of a closed service the lane in which it is drawn, so that none hides another.
function pack(job) {
  const ends = [];
  job.drawn = job.order.filter((step) => step.span && step.span[1] > step.span[0]);
  for (const step of job.drawn) {
    let lane = ends.findIndex((end) => end <= step.span[0]);
    if (lane < 0) lane = ends.length < 3 ? ends.length : ends.indexOf(Math.min(...ends));
    ends[lane] = Math.max(ends[lane] ?? 0, step.span[1]);
    step.lane = lane;
  }
  job.lanes = Math.max(1, ends.length);
}

const jobOf = (at) => run.jobs[at.job];
const stepOf = (at) => (at.step < 0 ? null : run.jobs[at.job].steps[at.step]);
const same = (a, b) => a && b && a.job === b.job && a.step === b.step;
const spanOf = (at) => (at.step < 0 ? (jobOf(at).began === null ? null : [jobOf(at).began, jobOf(at).ended]) : stepOf(at).span ?? null);

// The name of a step in two: its place among the others, where it has one, and what it does.
function parts(name) {
  const [, place, rest] = /^\[([^\]]*)\] (.*)$/s.exec(name) ?? [];
  if (rest === undefined) return ["", name];
  return [place === "internal" ? "" : place, rest];
}
const instruction = (name) => parts(name)[1];

// ---- rows -------------------------------------------------------------------------------------

const JOB = 36;
const STEP = 24;
let rows = [];
let height = 0;
let jobRows = 0;
let rowAt = new Map();
let matches = null;
const keyOf = (at) => at.job * 65536 + at.step + 1;

const ORDERS = {
  start: (a, b) => (a.began ?? Infinity) - (b.began ?? Infinity) || a.id - b.id,
  took: (a, b) => b.took - a.took || a.id - b.id,
  plan: (a, b) => a.id - b.id,
  name: (a, b) => (a.text < b.text ? -1 : 1),
};

function layOut() {
  const jobs = run.jobs.filter((job) => (!state.criticalOnly || job.critical) && (!matches || matches.jobs.has(job.id)));
  jobs.sort(ORDERS[state.order]);
  rows = [];
  rowAt = new Map();
  height = 0;
  const push = (at, size) => {
    const row = { ...at, y: height, size, index: rows.length };
    rowAt.set(keyOf(at), row);
    rows.push(row);
    height += size;
  };
  jobRows = jobs.length;
  for (const [index, job] of jobs.entries()) {
    push({ job: job.id, step: -1, nth: index + 1 }, JOB);
    if (isOpen(job)) for (const step of job.order) push({ job: job.id, step: step.place }, STEP);
  }
}

const isOpen = (job) => state.open.has(job.id);

// The first row that ends below `y`.
function rowBelow(y) {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].y + rows[middle].size <= y) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Services and steps whose name, log or error has the words that are looked for.
function search(query) {
  state.query = query.trim().toLowerCase();
  if (!state.query) { matches = null; return; }
  matches = { jobs: new Set(), steps: [] };
  const has = (text) => text.toLowerCase().includes(state.query);
  for (const job of run.jobs) {
    if (job.text.includes(state.query)) matches.jobs.add(job.id);
    for (const step of job.order) {
      if (step.text.includes(state.query) || step.tail?.some(has) || (step.error && has(step.error))) {
        matches.jobs.add(job.id);
        matches.steps.push({ job: job.id, step: step.place });
      }
    }
  }
}
