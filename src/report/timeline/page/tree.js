// The names of the rows, as a tree that can be read and walked without the picture.

const tree = $("tree");
const shown = new Map();
const rowId = (at) => `row-${at.job}-${at.step + 1}`;

// Puts the rows in sight into the document, and takes the others out.
function drawTree() {
  const top = scroller.scrollTop;
  const first = Math.max(0, rowBelow(top) - 4);
  const last = Math.min(rows.length, rowBelow(top + scroller.clientHeight) + 4);
  const keep = new Set();
  for (let index = first; index < last; index += 1) keep.add(rowId(rows[index]));
  // What a screen reader is at must stay.
  const selected = state.selected && rowAt.get(keyOf(state.selected));
  if (selected) keep.add(rowId(selected));
  for (const [id, element] of shown) if (!keep.has(id)) { element.remove(); shown.delete(id); }
  let before = null;
  const place = (row) => {
    let element = shown.get(rowId(row));
    if (!element) { element = rowElement(row); shown.set(rowId(row), element); tree.append(element); }
    element.style.top = `${row.y}px`;
    if (before && before.nextSibling !== element) before.after(element);
    before = element;
    element.setAttribute("aria-selected", same(row, state.selected) ? "true" : "false");
    element.classList.toggle("current", Boolean(same(row, state.selected)));
  };
  const places = [];
  if (selected && (selected.index < first || selected.index >= last)) places.push(selected);
  for (let index = first; index < last; index += 1) places.push(rows[index]);
  places.sort((a, b) => a.index - b.index).forEach(place);
  if (selected) tree.setAttribute("aria-activedescendant", rowId(selected));
  else tree.removeAttribute("aria-activedescendant");
}

// The rows are laid out anew: all of them are made anew when they are next in sight.
function renew() {
  layOut();
  for (const element of shown.values()) element.remove();
  shown.clear();
  $("spacer").style.height = `${height + 8}px`;
  tree.style.height = `${Math.max(height, scroller.clientHeight)}px`;
  $("nothing").hidden = rows.length > 0;
  $("count").textContent = jobRows === run.jobs.length ? count(jobRows, "image") : `${jobRows} of ${count(run.jobs.length, "image")}`;
  $("found").textContent = matches ? `${count(matches.jobs.size, "service")}, ${count(matches.steps.length, "step")}` : "";
  redraw();
}

function rowElement(row) {
  const element = row.step < 0 ? jobRow(jobOf(row), row.nth) : stepRow(jobOf(row), stepOf(row));
  element.id = rowId(row);
  return element;
}

// A name with what is looked for marked in it.
function marked(text) {
  const at = state.query ? text.toLowerCase().indexOf(state.query) : -1;
  if (at < 0) return [text];
  const end = at + state.query.length;
  return [text.slice(0, at), h("mark", {}, text.slice(at, end)), text.slice(end)];
}

function jobRow(job, nth) {
  const cached = job.total ? `${job.cached}/${job.total}` : "";
  const words = [job.name, job.outcome, duration(job.took), job.total ? `${job.cached} of ${count(job.total, "step")} from the cache` : "", job.critical ? "on the critical path" : ""];
  return h("div", {
    class: "row job", role: "treeitem", "aria-level": 1, "aria-posinset": nth, "aria-setsize": jobRows, "aria-expanded": job.steps.length ? String(isOpen(job)) : null,
    "aria-label": words.filter(Boolean).join(", "),
  },
  h("span", { class: "turn" }, job.steps.length ? (isOpen(job) ? "▼" : "▶") : ""),
  h("span", { class: `mark ${job.outcome}` }, MARKS[job.outcome]),
  h("span", { class: "name", title: job.name }, marked(job.name)),
  job.critical && h("span", { class: "path", title: "on the critical path" }, "◆"),
  h("span", { class: "more", title: "steps from the cache" }, cached),
  h("span", { class: "took" }, job.began === null ? "–" : duration(job.took)));
}

function stepRow(job, step) {
  const [place, rest] = parts(step.name);
  const took = step.does === "cached" ? "cached" : step.span ? duration(step.took) : "–";
  const words = [step.name, WORDS[step.does], step.span && step.does !== "cached" ? duration(step.took) : "", step.critical ? "on the critical path" : "", step.lines ? count(step.lines, "line") + " of log" : ""];
  return h("div", {
    class: `row step${step.attempt < (job.steps.at(-1)?.attempt ?? 0) || !step.span ? " dim" : ""}`, role: "treeitem", "aria-level": 2, "aria-posinset": job.order.indexOf(step) + 1, "aria-setsize": job.order.length,
    "aria-label": words.filter(Boolean).join(", "),
  },
  h("span", { class: `sign ${step.does}` }),
  h("span", { class: "name", title: step.name }, place && h("i", {}, `${place} `), marked(rest)),
  step.critical && h("span", { class: "path" }, "◆"),
  h("span", { class: "took" }, took));
}

// ---- moving about -----------------------------------------------------------------------------

function select(at) {
  state.selected = at;
  fillDetails();
  redraw();
}

// Scrolls until a row is in sight.
function reveal(at) {
  const row = rowAt.get(keyOf(at));
  if (!row) return;
  const [top, tall] = [scroller.scrollTop, scroller.clientHeight];
  if (row.y < top) scroller.scrollTop = Math.max(0, row.y - JOB);
  else if (row.y + row.size > top + tall) scroller.scrollTop = row.y + row.size - tall + JOB;
}

// Shows a service or step, whatever hid it.
function show(at) {
  const job = jobOf(at);
  if (at.step >= 0) state.open.add(job.id);
  if (state.criticalOnly && !job.critical) toggleCritical();
  if (matches && !matches.jobs.has(job.id)) { $("search").value = ""; search(""); }
  renew();
  select(at);
  const row = rowAt.get(keyOf(at));
  if (row) scroller.scrollTop = Math.max(0, row.y - scroller.clientHeight / 3);
  const span = spanOf(at);
  if (span && (span[0] > view.to || span[1] < view.from)) zoomTo(span);
  redraw();
}

function toggle(id, open = !state.open.has(id)) {
  if (open) state.open.add(id);
  else state.open.delete(id);
  if (!open && state.selected?.job === id && state.selected.step >= 0) select({ job: id, step: -1 });
  renew();
}

function toggleAll() {
  const all = state.open.size < run.jobs.length;
  state.open = new Set(all ? run.jobs.map((job) => job.id) : []);
  $("all").setAttribute("aria-pressed", String(all));
  if (!all && state.selected) state.selected = { job: state.selected.job, step: -1 };
  renew();
  if (state.selected) { fillDetails(); reveal(state.selected); }
}

function toggleCritical() {
  state.criticalOnly = !state.criticalOnly;
  $("critical").setAttribute("aria-pressed", String(state.criticalOnly));
  scroller.scrollTop = 0;
  renew();
}

// ---- zoom -------------------------------------------------------------------------------------

const CLOSEST = Math.min(20, WHOLE);

function look(from, to) {
  const span = Math.min(WHOLE, Math.max(CLOSEST, to - from));
  const begin = Math.max(0, Math.min(WHOLE - span, from));
  view.from = begin;
  view.to = begin + span;
  redraw();
}

// Zooms by a factor around a moment, which stays where it is.
function zoom(factor, around = state.selected && spanOf(state.selected) ? middleInView() : (view.from + view.to) / 2) {
  const span = Math.min(WHOLE, Math.max(CLOSEST, (view.to - view.from) * factor));
  const share = (around - view.from) / (view.to - view.from);
  look(around - share * span, around - share * span + span);
}

function middleInView() {
  const [from, to] = spanOf(state.selected);
  const [a, b] = [Math.max(from, view.from), Math.min(to, view.to)];
  return a < b ? (a + b) / 2 : (view.from + view.to) / 2;
}

const pan = (share) => { const by = share * (view.to - view.from); look(view.from + by, view.to + by); };
const fit = () => look(0, WHOLE);

function zoomTo([from, to]) {
  const room = Math.max((to - from) * 0.15, CLOSEST / 2);
  look(from - room, to + room);
}
