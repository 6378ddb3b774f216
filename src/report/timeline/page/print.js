// The run on paper: rows of the document instead of a picture of the screen, so that it is sharp, goes
// on over pages, and shows every service.

// Every service, and the steps of those that are open.
function printed() {
  const share = (ms) => `${(100 * ms) / WHOLE}%`;
  const put = (kind, [from, to], top, tall) => {
    const sign = h("span", { class: `sign ${kind}` });
    Object.assign(sign.style, { left: share(from), width: share(Math.max(to - from, WHOLE / 1500)), top: `${top}px`, height: `${tall}px` });
    return sign;
  };
  const scale = h("div", { class: "lane" }, ticks(0, WHOLE, 700).all.filter((at) => at < WHOLE * 0.96).map((at) => {
    const tick = h("span", { class: "tick" }, clock(at, ticks(0, WHOLE, 700).step));
    tick.style.left = share(at);
    return tick;
  }));
  const sheets = [h("div", { class: "sheet ticks" }, h("div", { class: "who" }), scale)];
  for (const row of rows) {
    const [job, step] = [jobOf(row), stepOf(row)];
    const lane = h("div", { class: "lane" });
    const who = step ? step.name : `${MARKS[job.outcome]} ${job.name}${job.critical ? " ◆" : ""}`;
    if (step?.span) lane.append(put(step.does, step.span, 6, 8));
    if (!step && job.began !== null) {
      const tall = 14 / job.lanes;
      for (const each of job.drawn) lane.append(put(each.does, each.span, 4 + each.lane * tall, Math.max(2, tall - 1)));
      if (job.critical) lane.append(put("on-path", [job.began, job.ended], 19, 0));
    }
    const took = step ? (step.does === "cached" ? "cached" : duration(step.took)) : job.began === null ? job.outcome : duration(job.took);
    sheets.push(h("div", { class: "sheet" }, h("div", { class: "who" }, h("span", { class: step ? "of-step" : null }, who), h("span", {}, took)), lane));
  }
  const signs = ["executed", "transferred", "pulled", "exported", "internal", "failed"];
  const legend = h("div", { class: "legend" }, [...signs, "on-path"].map((kind) => h("span", {}, h("span", { class: `sign ${kind}` }), WORDS[kind] ?? "critical path")));
  const worst = run.jobs.filter((job) => job.failure).map((job) => {
    const step = job.steps.findLast((each) => each.does === "failed");
    return h("div", { class: "worst" }, h("b", {}, `${job.name}: ${job.failure.message}`), step?.tail?.length ? h("pre", {}, step.tail.join("\n")) : null);
  });
  return [legend, ...sheets, ...worst];
}

addEventListener("beforeprint", () => $("print").replaceChildren(...printed()));
addEventListener("afterprint", () => $("print").replaceChildren());
