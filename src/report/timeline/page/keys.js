// Pointer, wheel and keys; and the beginning of it all.

// ---- keys -------------------------------------------------------------------------------------

function walk(to) {
  if (rows.length === 0) return;
  const row = rows[Math.max(0, Math.min(rows.length - 1, to))];
  select({ job: row.job, step: row.step });
  reveal(row);
}

const here = () => (state.selected && rowAt.get(keyOf(state.selected))?.index) ?? -1;

function goInto() {
  const at = state.selected;
  if (!at) walk(0);
  else if (at.step < 0 && jobOf(at).steps.length && !isOpen(jobOf(at))) toggle(at.job, true);
  else if (at.step < 0) walk(here() + 1);
}

function goOut() {
  const at = state.selected;
  if (!at) return;
  if (at.step >= 0) { select({ job: at.job, step: -1 }); reveal(state.selected); }
  else if (isOpen(jobOf(at))) toggle(at.job, false);
}

function enter() {
  const at = state.selected;
  if (at?.step < 0) toggle(at.job);
  else if (at && spanOf(at)) zoomTo(spanOf(at));
}

// The next or previous of what was found; services whose own name was found count themselves.
function next(by) {
  if (!matches) return;
  const all = rows.filter((row) => row.step < 0 && jobOf(row).text.includes(state.query)).map((row) => ({ job: row.job, step: -1 }))
    .concat(matches.steps);
  const place = new Map(rows.filter((row) => row.step < 0).map((row, index) => [row.job, index]));
  const visible = all.filter((at) => place.has(at.job));
  if (visible.length === 0) return;
  const steps = (at) => (at.step < 0 ? -1 : jobOf(at).order.indexOf(stepOf(at)));
  visible.sort((a, b) => place.get(a.job) - place.get(b.job) || steps(a) - steps(b));
  const at = visible.findIndex((each) => same(each, state.selected));
  show(visible[(at + by + visible.length + (at < 0 && by < 0 ? 1 : 0)) % visible.length]);
}

const ACTIONS = {
  ArrowDown: () => walk(here() + 1), ArrowUp: () => walk(here() < 0 ? 0 : here() - 1), Home: () => walk(0), End: () => walk(rows.length - 1),
  PageDown: () => walk(here() + Math.floor(scroller.clientHeight / JOB)), PageUp: () => walk(here() - Math.floor(scroller.clientHeight / JOB)),
  ArrowRight: goInto, ArrowLeft: goOut, Enter: enter, " ": enter,
};
const ANYWHERE = {
  "/": () => { $("search").focus(); $("search").select(); }, "+": () => zoom(0.7), "=": () => zoom(0.7), "-": () => zoom(1 / 0.7), 0: fit, f: fit,
  z: () => state.selected && spanOf(state.selected) && zoomTo(spanOf(state.selected)),
  "[": () => pan(-0.2), "]": () => pan(0.2), c: toggleCritical, e: toggleAll, t: toggleTheme, "?": () => $("keys").showModal(),
  n: () => next(1), N: () => next(-1), Escape: () => select(null),
};

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("keys").open) return;
  const target = event.target;
  if (target.matches("input, select")) {
    if (target.id === "search" && event.key === "Enter") { next(event.shiftKey ? -1 : 1); event.preventDefault(); }
    if (target.id === "search" && event.key === "Escape") { target.value = ""; search(""); renew(); tree.focus({ preventScroll: true }); }
    return;
  }
  if (event.shiftKey && /^Arrow(Left|Right)$/.test(event.key)) { pan(event.key === "ArrowLeft" ? -0.2 : 0.2); event.preventDefault(); return; }
  // Arrows walk the rows from the tree and where nothing else has a use for them.
  const free = target === tree || target === document.body || target === scroller;
  const action = (free && ACTIONS[event.key]) || ANYWHERE[event.key];
  if (!action) return;
  action();
  event.preventDefault();
});

// ---- pointer ----------------------------------------------------------------------------------

const chartX = (event) => event.clientX - $("chart").getBoundingClientRect().left - GUTTER();
const chartWidth = () => $("chart").clientWidth - GUTTER();

// What is under the pointer: a row in the names, and in the picture also a step in a closed service.
function under(event) {
  const bounds = scroller.getBoundingClientRect();
  const y = event.clientY - bounds.top + scroller.scrollTop;
  const row = rows[rowBelow(y)];
  if (!row || y < row.y) return null;
  const at = { job: row.job, step: row.step };
  const x = chartX(event);
  if (row.step >= 0 || x < 0) return at;
  const job = jobOf(row);
  const lane = Math.floor(((y - row.y - 8) / (JOB - 16)) * job.lanes);
  const width = chartWidth();
  const near = (step) => across(step.span[0], width) - 1 <= x && x <= Math.max(across(step.span[1], width), across(step.span[0], width) + 2) + 1;
  const step = job.drawn.findLast((each) => each.lane === lane && near(each));
  return step ? { job: row.job, step: step.place, row: at } : at;
}

let drag = null;

scroller.addEventListener("pointermove", (event) => {
  if (drag && !drag.names) {
    if (Math.abs(event.clientX - drag.x) + Math.abs(event.clientY - drag.y) > 4) drag.moved = true;
    if (drag.moved) {
      scroller.classList.add("grab");
      const by = ((drag.x - event.clientX) / (chartWidth() - 2 * PAD)) * (drag.to - drag.from);
      scroller.scrollTop = drag.top + drag.y - event.clientY;
      look(drag.from + by, drag.to + by);
      tip(null);
    }
    return;
  }
  const at = under(event);
  const x = chartX(event);
  state.hover = at?.row ?? at;
  state.cursor = x >= 0 ? Math.max(0, Math.min(WHOLE, timeAt(x, chartWidth()))) : null;
  tip(x >= 0 ? at : null, event);
  redraw();
});
scroller.addEventListener("pointerleave", () => { state.hover = state.cursor = null; tip(null); redraw(); });
scroller.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || event.offsetX > scroller.clientWidth) return;
  drag = { x: event.clientX, y: event.clientY, from: view.from, to: view.to, top: scroller.scrollTop, moved: false, names: chartX(event) < 0 };
  if (chartX(event) >= 0 && event.pointerType === "mouse") scroller.setPointerCapture(event.pointerId);
});
scroller.addEventListener("pointerup", (event) => {
  const was = drag;
  drag = null;
  scroller.classList.remove("grab");
  if (!was || was.moved) return;
  const at = under(event);
  tree.focus({ preventScroll: true });
  if (!at) { select(null); return; }
  const turns = at.step < 0 && chartX(event) < 0;
  if (at.step >= 0 && at.row) { state.open.add(at.job); renew(); }
  select({ job: at.job, step: at.step });
  if (turns) toggle(at.job);
});
scroller.addEventListener("pointercancel", () => { drag = null; scroller.classList.remove("grab"); });
scroller.addEventListener("dblclick", (event) => {
  const at = under(event);
  if (at && chartX(event) >= 0 && spanOf(at)) zoomTo(spanOf(at));
});
scroller.addEventListener("scroll", redraw, { passive: true });
scroller.addEventListener("wheel", (event) => {
  const unit = event.deltaMode === 1 ? 18 : 1;
  const [dx, dy] = event.shiftKey && !event.deltaX ? [event.deltaY, 0] : [event.deltaX, event.deltaY];
  if (event.ctrlKey || event.metaKey || event.altKey) {
    const around = Math.max(0, Math.min(WHOLE, timeAt(Math.max(0, chartX(event)), chartWidth())));
    zoom(Math.exp(Math.max(-1, Math.min(1, (dy * unit) / 240))), around);
    event.preventDefault();
  } else if (Math.abs(dx) > Math.abs(dy)) {
    pan((dx * unit) / chartWidth());
    event.preventDefault();
  }
}, { passive: false });

// A stretch of time is chosen on the ruler; in the overview the window is moved, or put where it is clicked.
function dragging(canvas, moment, whole) {
  let from = null;
  canvas.addEventListener("pointerdown", (event) => { from = moment(event); canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => { if (from !== null) whole(from, moment(event), false); });
  canvas.addEventListener("pointerup", (event) => { if (from !== null) whole(from, moment(event), true); from = null; });
  canvas.addEventListener("pointercancel", () => { from = null; });
  canvas.addEventListener("dblclick", fit);
}

const within = (ms) => Math.max(0, Math.min(WHOLE, ms));
dragging($("ruler"), (event) => within(timeAt(event.offsetX, $("ruler").clientWidth)), (from, to, done) => {
  state.cursor = done ? null : to;
  if (done && Math.abs(to - from) > (view.to - view.from) / 200) look(Math.min(from, to), Math.max(from, to));
  redraw();
});
dragging($("overview"), (event) => within(((event.offsetX - PAD) / ($("overview").clientWidth - 2 * PAD)) * WHOLE), (from, to) => {
  if (view.to - view.from >= WHOLE) { if (Math.abs(to - from) > WHOLE / 100) look(Math.min(from, to), Math.max(from, to)); return; }
  const half = (view.to - view.from) / 2;
  look(to - half, to + half);
});

// ---- theme ------------------------------------------------------------------------------------

const night = matchMedia("(prefers-color-scheme: dark)");
let chosen = null;

function dress() {
  document.documentElement.dataset.theme = chosen ?? (night.matches ? "dark" : "light");
  readColours();
  redraw();
}

function toggleTheme() {
  chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  dress();
}

night.addEventListener("change", dress);
// Paper is white.
let worn = null;
addEventListener("beforeprint", () => { worn = chosen; chosen = "light"; dress(); });
addEventListener("afterprint", () => { chosen = worn; dress(); });

// ---- the beginning ----------------------------------------------------------------------------

$("keys").append(h("h2", { id: "keys-title" }, "Keys"), keyTable(), h("form", { method: "dialog" }, h("button", {}, "Close")));
$("search").addEventListener("input", (event) => { search(event.target.value); scroller.scrollTop = 0; renew(); });
$("order").addEventListener("change", (event) => { state.order = event.target.value; renew(); });
$("critical").addEventListener("click", toggleCritical);
$("all").addEventListener("click", toggleAll);
$("in").addEventListener("click", () => zoom(0.7));
$("out").addEventListener("click", () => zoom(1 / 0.7));
$("fit").addEventListener("click", fit);
$("theme").addEventListener("click", toggleTheme);
$("help").addEventListener("click", () => $("keys").showModal());
new ResizeObserver(() => { tree.style.height = `${Math.max(height, scroller.clientHeight)}px`; redraw(); }).observe($("area"));

fillHead();
dress();
// Where something failed, that is what is looked for.
const failing = run.jobs.find((job) => job.outcome === "failed");
if (failing) { state.selected = { job: failing.id, step: -1 }; state.open.add(failing.id); }
else if (run.jobs.length <= 3) run.jobs.forEach((job) => state.open.add(job.id));
renew();
fillDetails();
if (failing) reveal(state.selected);
