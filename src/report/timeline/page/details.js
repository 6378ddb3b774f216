// What there is to say of a service or step.

const KEYS = [
  ["↑ ↓ Home End", "walk the services and steps"], ["→ ←", "open and close a service; back to it from a step"], ["Enter", "open or close a service; zoom to a step"],
  ["/", "search services, steps and logs; Enter goes to the next, Esc leaves"], ["n N", "next and previous found"],
  ["+ − 0", "zoom in, out, whole run"], ["z", "zoom to what is selected"], ["[ ] or Shift+← →", "earlier and later"],
  ["c", "critical path only"], ["e", "open or close all"], ["t", "dark or light"], ["?", "these keys"],
  ["Ctrl+wheel, pinch", "zoom"], ["Shift+wheel, drag", "move in time"], ["drag on the ruler", "zoom to that time"], ["double click", "zoom to a bar"],
];

const link = (at, text) => h("button", { class: "link", type: "button", onclick: () => show(at), title: text }, text);
const part = (title, ...children) => children.flat().length ? [h("h3", {}, title), ...children.flat()] : [];
// Text in which `this` is code.
const prose = (text) => text.split(/`([^`]*)`/).map((piece, index) => (index % 2 ? h("code", {}, piece) : piece));
const table = (pairs) => h("dl", {}, pairs.filter(([, value]) => value !== null && value !== undefined && value !== "").flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));

function fillDetails() {
  const at = state.selected;
  const children = at === null ? welcome() : at.step < 0 ? jobDetails(jobOf(at)) : stepDetails(jobOf(at), stepOf(at));
  $("details").replaceChildren(...children);
  $("details").scrollTop = 0;
}

function welcome() {
  const failed = run.jobs.filter((job) => job.outcome === "failed");
  return [
    ...part("Notes of the project", run.notes.map((note) => h("pre", { class: "note" }, note))),
    ...part("Failed", failed.map((job) => link({ job: job.id, step: -1 }, job.name))),
    h("p", { class: "above" }, "Select a service or step to see its times, what it needed, and the end of its log."),
    ...part("Keys", keyTable()),
  ];
}

const keyTable = () => h("dl", {}, KEYS.flatMap(([keys, what]) => [h("dt", {}, h("kbd", {}, keys)), h("dd", {}, what)]));

function jobDetails(job) {
  const at = (id) => ({ job: id, step: -1 });
  const failure = job.failure;
  const failedStep = job.steps.findLast((step) => step.does === "failed");
  const waited = job.began === null ? 0 : job.began - job.ready;
  return [
    h("p", { class: "above" }, job.services.length > 1 ? "Services that share an image" : "Service"),
    h("h2", {}, job.name),
    h("p", { class: "chips" }, h("span", { class: "chip" }, h("span", { class: `mark ${job.outcome}` }, MARKS[job.outcome]), job.outcome),
      job.critical && h("span", { class: "chip path" }, "◆ critical path"),
      job.total > 0 && h("span", { class: "chip" }, `${job.cached} of ${job.total} from the cache`)),
    failure && h("p", { class: "bad-text" }, prose(failure.message)),
    ...(failure?.hints ?? []).map((hint) => h("p", { class: "hint" }, prose(hint))),
    job.because !== null && h("p", { class: "note" }, "Not tried, for it needs ", link(at(job.because), run.jobs[job.because].name)),
    ...times(job.took, job.began === null ? null : [job.began, job.ended], [
      ["Waited", waited >= 50 ? `${duration(waited)} for room, when all it needs was there` : null],
      ["Built with", job.way], ["Form", job.variant], ["Image", job.image ? h("code", {}, job.image.replace(/^sha256:/, "").slice(0, 12)) : null],
      ["Size", job.size === null ? null : bytes(job.size)], ["Pushed", job.pushed.join(", ")],
      ["Class", failure ? failure.class : null], ["Exit code", failure?.exit_code],
    ]),
    ...part("Where", failure ? failure.places.map((place) => h("pre", {}, place)) : []),
    ...(failedStep ? part("Failed step", link({ job: job.id, step: failedStep.place }, failedStep.name), log(failedStep)) : []),
    ...part("Otherwise than planned", job.departures.map((text) => h("p", { class: "note" }, text))),
    ...part("Notes", job.notes.map((text) => h("p", { class: "note" }, prose(text)))),
    ...part("Slowest steps", slowest(job)),
    ...part("Needs", job.needs.map((need) => link(at(need), run.jobs[need].name))),
    ...part("Needed by", neededBy[job.id].map((id) => link(at(id), run.jobs[id].name))),
    ...part("Warnings", job.warnings.map((text) => h("p", { class: "note" }, text))),
  ].filter(Boolean);
}

function slowest(job) {
  const steps = job.steps.filter((step) => step.took > 0).sort((a, b) => b.took - a.took).slice(0, 5);
  return steps.map((step) => h("div", {}, link({ job: job.id, step: step.place }, `${duration(step.took)}  ${step.name}`)));
}

function times(took, span, more) {
  return [table([
    ["Took", span ? `${duration(took)}, ${percent(took, WHOLE)} of the run` : null],
    ["From", span ? `${duration(span[0])} to ${duration(span[1])}` : null], ...more,
  ])];
}

function stepDetails(job, step) {
  const to = (place) => ({ job: job.id, step: place });
  const worked = step.span && step.does !== "cached";
  const paused = worked ? step.span[1] - step.span[0] - step.took : 0;
  const followers = job.steps.filter((other) => other.needs.includes(step.place));
  const lost = found.lost.find((one) => one.job === job.id && one.step === step.place);
  return [
    h("p", { class: "above" }, "Step of ", link({ job: job.id, step: -1 }, job.name)),
    h("p", { class: "chips" }, h("span", { class: "chip" }, h("span", { class: `sign ${step.does}` }), WORDS[step.does]),
      step.critical && h("span", { class: "chip path" }, "◆ critical path"),
      step.state === "running" && h("span", { class: "chip" }, "did not end")),
    h("pre", { class: "command" }, step.name),
    step.error && h("p", { class: "bad-text" }, step.error),
    lost && h("p", { class: "note" }, `Here the cache was lost: from this step on ${job.name} had ${duration(lost.cost)} of work.`),
    ...times(step.took, worked ? step.span : null, [
      ["Paused", paused > 1 ? duration(paused) : null], ["Moved", step.moved ? bytes(step.moved) : null],
      ["Way", job.steps.at(-1).attempt > 0 ? `${step.attempt + 1} of ${job.steps.at(-1).attempt + 1}` : null],
    ]),
    ...(step.tail?.length ? part(step.lines > step.tail.length ? `Log, the last ${step.tail.length} of ${step.lines} lines${step.cut ? " that were kept" : ""}` : "Log", log(step)) : []),
    ...part("Begins with", step.needs.map((need) => link(to(need), job.steps[need].name))),
    ...part("Then", followers.map((other) => link(to(other.place), other.name))),
  ].filter(Boolean);
}

function log(step) {
  if (!step.tail?.length) return [];
  return [h("pre", { class: step.does === "failed" ? "bad" : null, tabindex: 0, "aria-label": "Log" }, marked(step.tail.join("\n")))];
}

// ---- a word beside the pointer ----------------------------------------------------------------

function tip(at, event) {
  const box = $("tip");
  box.hidden = at === null;
  if (at === null) return;
  const [job, step] = [jobOf(at), stepOf(at)];
  const words = step
    ? [WORDS[step.does], step.does === "cached" || !step.span ? null : duration(step.took), step.moved ? bytes(step.moved) : null, step.critical ? "◆ critical path" : null]
    : [job.outcome, job.began === null ? null : duration(job.took), job.total ? `${job.cached}/${job.total} cached` : null, job.critical ? "◆ critical path" : null];
  box.replaceChildren(h("b", {}, step ? step.name : job.name), h("span", {}, words.filter(Boolean).join(" · ")));
  const [wide, tall] = [box.offsetWidth, box.offsetHeight];
  box.style.left = `${Math.max(4, Math.min(innerWidth - wide - 8, event.clientX + 14))}px`;
  box.style.top = `${event.clientY + 18 + tall > innerHeight ? event.clientY - tall - 10 : event.clientY + 18}px`;
}
