//! Runs that are over: as a list, one again as it was told, its logs, and two against each other.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::columns::Side::{Left, Right};
use super::columns::{self, columns};
use super::plain::{Plain, Telling};
use super::screen::Stream;
use super::table::{self, Logs};
use crate::diagnostic::Style;
use crate::event::{Event, Record, RunResult};
use crate::human;
use crate::journal::{Change, Comparison, RunId, ServiceSummary, StepOutcome, Summary, Trend};
use crate::progress::Run;

/// The runs, newest last, and what is slower than usual in the newest. `now` is the date in
/// milliseconds since 1970.
pub fn list(runs: &[Summary], trends: &[Trend], now: u64) -> String {
    let mut rows = vec![["RUN", "WHEN", "VERB", "RESULT", "TIME", "SERVICES"].map(str::to_owned)];
    rows.extend(runs.iter().map(|run| {
        [
            run.run.to_string(),
            human::ago(Duration::from_millis(now.saturating_sub(run.began))),
            run.verb.clone(),
            result(run.result).to_owned(),
            human::duration(Duration::from_millis(run.took)),
            services(run),
        ]
    }));
    let mut text = columns(
        &rows,
        [Right, Left, Left, Left, Right, Left],
        columns::plain,
    );
    for trend in trends {
        let _ = writeln!(text, "{}", told(trend));
    }
    text
}

/// `web is 3.1x its median of 1.0s since [2/3] RUN make lost its cache`.
fn told(trend: &Trend) -> String {
    let median = human::duration(Duration::from_millis(trend.median));
    let since = trend.lost.as_ref().map_or_else(String::new, |step| {
        format!(" since `{}` lost its cache", human::sanitize(step))
    });
    format!(
        "{} is {:.1}x its median of {median}{since}",
        trend.service, trend.factor
    )
}

fn result(result: Option<RunResult>) -> &'static str {
    match result {
        Some(RunResult::Built) => "built",
        Some(RunResult::Failed) => "failed",
        Some(RunResult::Stopped) => "stopped",
        None => "broken off",
    }
}

fn services(run: &Summary) -> String {
    let built = run.services.iter().filter(|service| service.built).count();
    let counts = run.services.iter().map(ServiceSummary::cached);
    let (cached, steps) = counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let mut text = format!(
        "{built}/{} built, {cached}/{steps} steps cached",
        run.services.len()
    );
    for service in run.services.iter().filter(|service| !service.built) {
        let why = service.class.map_or("not built", |class| class.id());
        let _ = write!(text, ", {}: {why}", service.name());
    }
    text
}

/// A run as it was told to a pipe, with its logs or without.
pub fn again(id: RunId, records: &[Record], logs: bool, style: Style) -> String {
    let mut text: Vec<u8> = Vec::new();
    let telling = if logs { Telling::Logs } else { Telling::Steps };
    let mut run = Run::default();
    let mut plain = Plain::new(Stream(&mut text), style, telling);
    for record in records {
        run.take(record);
        plain.take(&run, record);
    }
    drop(plain);
    let mut text = String::from_utf8_lossy(&text).into_owned();
    let logs = if logs { Logs::Mixed } else { Logs::All };
    text.push_str(&table::render(&run, logs, Some(id), style));
    text
}

/// The whole logs of a service's steps, those whose names have `part` in them; nothing when there is
/// no such service, or none of its steps wrote anything.
pub fn logs(records: &[Record], service: &str, part: Option<&str>) -> Option<String> {
    let mut run = Run::default();
    for record in records {
        run.take(record);
    }
    let job = run
        .jobs
        .iter()
        .find(|job| job.planned.services.iter().any(|own| own == service))?;
    let wanted = |name: &str| part.is_none_or(|part| name.contains(part));
    let steps: Vec<_> = job
        .steps_in_order()
        .into_iter()
        .filter(|(_, step)| step.lines > 0 && wanted(&step.name))
        .collect();
    let mut text = String::new();
    for (wanted, known) in &steps {
        if steps.len() > 1 {
            let _ = writeln!(text, "== {}", human::sanitize(&known.name));
        }
        for record in records {
            if let Event::Log {
                job: of,
                step,
                line,
            } = &record.event
                && (*of, step) == (job.id, wanted)
            {
                let _ = writeln!(text, "{}", human::sanitize(line));
            }
        }
        if known.cut {
            let _ = writeln!(text, "(the rest of this log is left out)");
        }
    }
    (!steps.is_empty()).then_some(text)
}

/// Two runs against each other.
pub fn comparison(first: &Summary, second: &Summary, compared: &Comparison) -> String {
    let mut rows = vec![[
        String::new(),
        format!("RUN {}", first.run),
        format!("RUN {}", second.run),
        "CHANGE".to_owned(),
    ]];
    let all = |run: &Summary| Some((run.took, StepOutcome::Done));
    rows.push(row("all", all(first), all(second), String::new()));
    for service in &compared.services {
        rows.push(row(
            &service.name,
            service.before,
            service.after,
            String::new(),
        ));
        rows.extend(service.steps.iter().map(|step| {
            let name = format!("  {}", human::truncate(&human::sanitize(&step.name), 60));
            row(&name, step.before, step.after, note(step))
        }));
    }
    columns(&rows, [Left, Right, Right, Left], columns::plain)
}

type Side = Option<(u64, StepOutcome)>;

fn row(name: &str, before: Side, after: Side, note: String) -> [String; 4] {
    let side = |side: Side| match side {
        None => "-".to_owned(),
        Some((_, StepOutcome::Open)) => "not over".to_owned(),
        Some((0, StepOutcome::Cached)) => "cached".to_owned(),
        Some((took, StepOutcome::Failed)) => {
            format!("failed {}", human::duration(Duration::from_millis(took)))
        }
        Some((took, _)) => human::duration(Duration::from_millis(took)),
    };
    let change = match (before, after) {
        (Some((before, _)), Some((after, _))) => {
            let sign = if after >= before { "+" } else { "-" };
            format!(
                "{sign}{}",
                human::duration(Duration::from_millis(after.abs_diff(before)))
            )
        }
        _ => String::new(),
    };
    let last = [change, note].join("  ");
    [
        name.to_owned(),
        side(before),
        side(after),
        last.trim().to_owned(),
    ]
}

fn note(step: &Change) -> String {
    match (step.before, step.after) {
        _ if step.lost_cache() => "lost its cache".to_owned(),
        (Some(_), None) => "gone".to_owned(),
        (None, Some(_)) => "new".to_owned(),
        _ => String::new(),
    }
}

/// The list for programs.
pub fn list_json(runs: &[Summary], trends: &[Trend]) -> String {
    let trends: Vec<Value> = trends
        .iter()
        .map(|trend| {
            json!({
                "service": trend.service,
                "factor": trend.factor,
                "median": trend.median,
                "lost_cache": trend.lost,
            })
        })
        .collect();
    pretty(&json!({"schema": 1, "runs": runs, "slower": trends}))
}

/// One run for programs.
pub fn show_json(run: &Summary) -> String {
    pretty(&json!({"schema": 1, "run": run}))
}

/// A comparison for programs.
pub fn comparison_json(first: &Summary, second: &Summary, compared: &Comparison) -> String {
    let services: Vec<Value> = compared.services.iter().map(change_json).collect();
    pretty(&json!({"schema": 1, "first": first.run, "second": second.run, "services": services}))
}

fn change_json(change: &Change) -> Value {
    let side = |side: Side| side.map(|(took, outcome)| json!({"took": took, "outcome": outcome}));
    json!({
        "name": change.name,
        "before": side(change.before),
        "after": side(change.after),
        "lost_cache": change.lost_cache(),
        "steps": change.steps.iter().map(change_json).collect::<Vec<_>>(),
    })
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
