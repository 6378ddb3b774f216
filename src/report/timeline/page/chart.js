// The chart: only the rows in sight are drawn, all of them anew in each frame that changes anything.

const scroller = $("scroller");
let asked = false;

function redraw() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => { asked = false; drawAll(); });
}

function drawAll() {
  drawOverview();
  drawRuler();
  drawChart();
  drawTree();
}

function drawChart() {
  const [c, full, tall] = fitted($("chart"));
  const left = GUTTER();
  const width = full - left;
  const right = scroller.clientWidth;
  const top = scroller.scrollTop;
  const first = rowBelow(top);
  const last = Math.min(rows.length, rowBelow(top + tall) + 1);
  const x = (ms) => left + across(ms, width);
  stripes(c, first, last, top, full);
  c.strokeStyle = paint.line;
  c.beginPath(); c.moveTo(left - 0.5, 0); c.lineTo(left - 0.5, tall); c.stroke();
  c.save();
  c.beginPath(); c.rect(left, 0, width, tall); c.clip();
  c.strokeStyle = paint.grid;
  c.beginPath();
  const low = Math.min(tall, height - top);
  for (const at of ticks(view.from, view.to, width - 2 * PAD).all) { const px = Math.round(x(at)) + 0.5; c.moveTo(px, 0); c.lineTo(px, low); }
  c.stroke();
  drawEdges(c, x, top, tall);
  for (let index = first; index < last; index += 1) {
    const row = rows[index];
    const y = row.y - top;
    if (row.step < 0) drawJob(c, x, y, jobOf(row), left, right);
    else drawStep(c, x, y, stepOf(row), left, right);
  }
  if (state.cursor !== null) {
    c.strokeStyle = paint.soft; c.globalAlpha = 0.6;
    const px = Math.round(x(state.cursor)) + 0.5;
    c.beginPath(); c.moveTo(px, 0); c.lineTo(px, tall); c.stroke(); c.globalAlpha = 1;
  }
  c.restore();
}

function stripes(c, first, last, top, full) {
  for (let index = first; index < last; index += 1) {
    const row = rows[index];
    const y = row.y - top;
    if (same(row, state.selected)) { c.fillStyle = paint.select; c.fillRect(0, y, full, row.size); }
    else if (same(row, state.hover)) { c.fillStyle = paint.hover; c.fillRect(0, y, full, row.size); }
    if (row.step < 0 && index > 0) {
      c.strokeStyle = paint.grid; c.beginPath(); c.moveTo(0, y + 0.5); c.lineTo(full, y + 0.5); c.stroke();
    }
  }
}

function box(c, x, y, width, tall, radius) {
  c.beginPath();
  c.roundRect(x, y, width, tall, Math.min(radius, width / 2, tall / 2));
}

function drawJob(c, x, y, job, left, right) {
  if (job.began === null) {
    c.fillStyle = paint.faint;
    const why = job.because === null ? job.outcome : `${job.outcome}: ${run.jobs[job.because].name} is missing`;
    c.fillText(why, Math.max(left + 4, x(job.ready)) + 4, y + JOB / 2);
    return;
  }
  const [from, to] = [x(job.began), Math.max(x(job.ended), x(job.began) + 3)];
  if (job.began - job.ready >= 50 && x(job.ready) < right) waitedFor(c, x(job.ready), from, y + JOB / 2);
  if (to < left || from > right) { elsewhere(c, [from, to], y + JOB / 2, left, right); return; }
  box(c, from, y + 6, to - from, JOB - 12, 5);
  c.fillStyle = paint.track; c.fill();
  const tall = (JOB - 16) / job.lanes;
  let seen = [];
  for (const step of job.drawn) {
    // Where many steps fall on one point of the screen, one is drawn.
    const [a, b] = [x(step.span[0]), x(step.span[1])];
    if (b < left || a > right || b - (seen[step.lane] ?? -9) < 0.5) continue;
    seen[step.lane] = b;
    bar(c, step, a, b, y + 8 + step.lane * tall, tall - (job.lanes > 1 ? 1 : 0));
  }
  if (job.outcome === "failed" || job.critical) {
    box(c, from + 0.5, y + 6.5, to - from - 1, JOB - 13, 5);
    c.strokeStyle = job.outcome === "failed" ? paint.failed : paint.critical; c.stroke();
  }
  if (job.critical) { c.fillStyle = paint.critical; box(c, from, y + JOB - 6, to - from, 3, 1.5); c.fill(); }
  const mark = job.outcome === "built" ? "" : `${MARKS[job.outcome]} ${job.outcome} `;
  beside(c, `${mark}${duration(job.took)}`, from, to, y + JOB / 2, left, right, job.outcome === "failed" ? paint.failed : paint.soft);
}

// The time in which a service could have begun and others left no room.
function waitedFor(c, from, to, y) {
  c.strokeStyle = paint.soft; c.setLineDash([2, 3]); c.beginPath(); c.moveTo(from, y); c.lineTo(to, y); c.stroke(); c.setLineDash([]);
  c.beginPath(); c.moveTo(from + 0.5, y - 4); c.lineTo(from + 0.5, y + 4); c.stroke();
}

function bar(c, step, from, to, y, tall) {
  const width = Math.max(to - from, 1.5);
  if (step.does === "internal") { const thin = Math.max(2, Math.min(4, tall)); y += (tall - thin) / 2; tall = thin; }
  c.fillStyle = width > 4 && tall > 4 ? patterns[step.does] ?? paint[step.does] : paint[step.does];
  // Patterns begin with their bar, so that they do not swim while it moves.
  c.save(); c.translate(from, y); box(c, 0, 0, width, tall, 3); c.fill(); c.restore();
}

function drawStep(c, x, y, step, left, right) {
  const middle = y + STEP / 2;
  if (!step.span) return;
  const [from, to] = [x(step.span[0]), Math.max(x(step.span[1]), x(step.span[0]) + 2)];
  if (to < left || from > right) { elsewhere(c, [from, to], middle, left, right); return; }
  if (step.does === "cached") {
    c.strokeStyle = paint.cached; c.setLineDash([3, 2]); box(c, from + 0.5, y + 7.5, Math.max(12, to - from), STEP - 15, 3); c.stroke(); c.setLineDash([]);
    c.fillStyle = paint.soft; c.fillText("cached", Math.max(12, to - from) + from + 6, middle);
    return;
  }
  bar(c, step, from, to, y + 5, STEP - 10);
  if (step.critical) { c.fillStyle = paint.critical; c.fillRect(from, y + STEP - 4, to - from, 2.5); }
  const moved = step.moved ? ` · ${bytes(step.moved)}` : "";
  beside(c, `${step.does === "failed" ? "✕ failed " : ""}${duration(step.took)}${moved}`, from, to, middle, left, right, step.does === "failed" ? paint.failed : paint.soft);
}

// A word behind its bar, or before it where there is no room.
function beside(c, text, from, to, y, left, right, colour) {
  const wide = c.measureText(text).width;
  const at = to + 8 + wide < right ? Math.max(to, left) + 6 : from - 6 - wide;
  if (at < left) return;
  // Lines that cross it stop short of it.
  c.strokeStyle = paint.surface; c.lineWidth = 3; c.lineJoin = "round";
  c.strokeText(text, at, y);
  c.fillStyle = colour; c.lineWidth = 1;
  c.fillText(text, at, y);
}

// Where a row has nothing in sight, a sign says on which side it has.
function elsewhere(c, [from, to], y, left, right) {
  c.fillStyle = paint.faint;
  if (to < left) c.fillText("◂", left + 4, y);
  else if (from > right) c.fillText("▸", right - 14, y);
}

// ---- edges ------------------------------------------------------------------------------------

const FEW = 80;
const edges = run.jobs.flatMap((job) => job.needs.map((need) => ({ from: need, to: job.id, critical: job.critical && run.jobs[need].critical && isNext(need, job.id) })));

function isNext(need, id) {
  const place = run.critical.indexOf(id);
  return place > 0 && run.critical[place - 1] === need;
}

function drawEdges(c, x, top, tall) {
  const about = state.hover ?? state.selected;
  const near = (edge) => about && about.step < 0 && (edge.from === about.job || edge.to === about.job);
  const few = edges.length <= FEW;
  for (const pass of ["far", "critical", "near"]) {
    for (const edge of edges) {
      const rank = near(edge) ? "near" : edge.critical ? "critical" : "far";
      if (rank !== pass || (rank === "far" && !few)) continue;
      const [a, b] = [{ job: edge.from, step: -1 }, { job: edge.to, step: -1 }];
      c.strokeStyle = c.fillStyle = edge.critical ? paint.critical : rank === "near" ? paint.focus : paint.edge;
      c.lineWidth = rank === "far" ? 1 : 1.75;
      c.globalAlpha = rank === "far" ? 0.55 : 1;
      arrow(c, x, a, b, JOB / 2, top, tall);
    }
  }
  c.lineWidth = 1; c.globalAlpha = 1;
  const step = about && stepOf(about);
  if (!step) return;
  c.strokeStyle = c.fillStyle = paint.focus; c.lineWidth = 1.5;
  for (const need of step.needs) arrow(c, x, { job: about.job, step: need }, about, STEP / 2, top, tall);
  c.lineWidth = 1;
}

// From the end of `a` down or up, then along to the beginning of `b`.
function arrow(c, x, a, b, middle, top, tall) {
  const [rowA, rowB, spanA, spanB] = [rowAt.get(keyOf(a)), rowAt.get(keyOf(b)), spanOf(a), spanOf(b)];
  if (!rowA || !rowB || !spanA || !spanB) return;
  const [y1, y2] = [rowA.y + middle - top, rowB.y + middle - top];
  if (Math.max(y1, y2) < 0 || Math.min(y1, y2) > tall) return;
  const [x1, x2] = [Math.max(x(spanA[1]), x(spanA[0]) + 2), x(spanB[0])];
  const turn = Math.max(Math.min(x1 + 7, x2 - 7), x1 - 4);
  const sign = Math.sign(y2 - y1) || 1;
  const r = Math.min(5, Math.abs(y2 - y1) / 2);
  c.beginPath();
  c.moveTo(x1, y1);
  c.lineTo(turn - Math.min(r, Math.max(0, turn - x1)), y1);
  c.quadraticCurveTo(turn, y1, turn, y1 + sign * r);
  c.lineTo(turn, y2 - sign * r);
  c.quadraticCurveTo(turn, y2, turn + Math.min(r, Math.max(0, x2 - turn)), y2);
  c.lineTo(x2 - 4, y2);
  c.stroke();
  c.beginPath(); c.moveTo(x2, y2); c.lineTo(x2 - 6, y2 - 3.5); c.lineTo(x2 - 6, y2 + 3.5); c.fill();
}
