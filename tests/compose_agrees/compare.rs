//! dcb beside one Compose: for one project, and for many cases in one project.

use std::fs;
use std::path::Path;

use dcb::compose::{self, Request, Unloadable};
use dcb::diagnostic::Diagnostic;

use super::differences::{self, Intended};
use super::generate::{Case, Shape};
use super::oracle::{Answer, Compose};
use super::places::is_placed;
use super::refusals;
use super::view::{self, Unlike, View};

/// What dcb and a Compose do not agree on.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A value.
    Value(Unlike),
    /// dcb refuses what Compose takes; dcb's complaint.
    WeRefuse(String),
    /// Compose refuses what dcb takes; its complaint.
    TheyRefuse(String),
    /// Both refuse it, and dcb does not name this, which Compose names.
    Unnamed(BothSay, String),
    /// A complaint of dcb does not tell where the fault is.
    Placeless(String),
}

/// What is said of a project that both refuse.
#[derive(Debug, Clone)]
pub struct BothSay {
    /// What dcb says.
    pub ours: String,
    /// What Compose says.
    pub theirs: String,
}

/// A difference and what it is about.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The version of the Compose.
    pub version: (u32, u32),
    /// What is not agreed on.
    pub kind: Kind,
    /// All files of the project.
    pub text: String,
}

/// What came of comparing one project.
pub enum Verdict {
    /// Both have the same view of it.
    Same,
    /// Both refuse it.
    BothRefuse,
    /// They do not agree.
    Differ(Vec<Kind>),
}

/// Compares what is said of the project that `request` asks for.
pub fn verdict(request: &Request, compose: &Compose) -> Verdict {
    let ours = load(request);
    let builds: Option<Answer> = compose.prints_builds().then(|| compose.builds(request));
    if let (Err(ours), Some(Err(theirs))) = (&ours, &builds) {
        return both_refuse(ours, theirs, request);
    }
    let config = compose.config(request);
    let unwritten = |complaint: &String| complaint.contains("json: error calling MarshalJSON");
    match (ours, builds.transpose(), config) {
        (_, Err(theirs), _) => Verdict::Differ(vec![Kind::TheyRefuse(theirs)]),
        // It cannot write an ssh key with a path in JSON; what it builds tells enough.
        (ours, Ok(Some(builds)), Err(complaint)) if unwritten(&complaint) => differ(
            ours.map(View::only_builds),
            &view::of_builds(&builds, request),
            request,
        ),
        (Err(ours), _, Err(theirs)) => both_refuse(&ours, &theirs, request),
        (Ok(_), _, Err(theirs)) => Verdict::Differ(vec![Kind::TheyRefuse(theirs)]),
        (ours, Ok(builds), Ok(config)) => {
            let theirs = view::theirs(&config, builds.as_ref(), request);
            let without = |view: View| {
                if builds.is_none() {
                    view.without_builds()
                } else {
                    view
                }
            };
            differ(ours.map(without), &theirs, request)
        }
    }
}

fn both_refuse(ours: &[Diagnostic], theirs: &str, request: &Request) -> Verdict {
    let mut kinds = placeless(ours, request);
    for name in refusals::unnamed(ours, theirs, &request.directory) {
        let both = BothSay {
            ours: told(ours),
            theirs: theirs.to_owned(),
        };
        kinds.push(Kind::Unnamed(both, name));
    }
    if kinds.is_empty() {
        return Verdict::BothRefuse;
    }
    Verdict::Differ(kinds)
}

fn placeless(complaints: &[Diagnostic], request: &Request) -> Vec<Kind> {
    let without = complaints
        .iter()
        .filter(|complaint| !is_placed(complaint, request));
    without
        .map(|complaint| Kind::Placeless(complaint.to_string()))
        .collect()
}

fn told(complaints: &[Diagnostic]) -> String {
    let lines: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn differ(ours: Result<View, Vec<Diagnostic>>, theirs: &View, request: &Request) -> Verdict {
    let kinds = match ours {
        Err(complaints) => {
            let mut kinds = placeless(&complaints, request);
            kinds.push(Kind::WeRefuse(told(&complaints)));
            kinds
        }
        Ok(ours) => ours.unlike(theirs).into_iter().map(Kind::Value).collect(),
    };
    if kinds.is_empty() {
        return Verdict::Same;
    }
    Verdict::Differ(kinds)
}

/// dcb's view, or its complaints.
fn load(request: &Request) -> Result<View, Vec<Diagnostic>> {
    let project = compose::load(request).map_err(Unloadable::into_diagnostics)?;
    let named = project
        .select(&request.services)
        .map_err(|error| vec![error])?;
    Ok(view::ours(&project).narrowed(&project.with_dependencies(&named)))
}

/// How often what happened.
#[derive(Debug, Default)]
pub struct Tally {
    /// Cases looked at.
    pub cases: usize,
    /// Definitions of services in them.
    pub services: usize,
    /// Cases that both refuse.
    pub refused: usize,
    /// Intended differences met, by name.
    pub intended: std::collections::BTreeMap<&'static str, usize>,
    /// The others, each with the case it is about.
    pub found: Vec<(Shape, Case, Difference)>,
}

impl Tally {
    /// Adds what another thread counted.
    pub fn add(&mut self, other: Tally) {
        self.cases += other.cases;
        self.services += other.services;
        self.refused += other.refused;
        for (name, times) in other.intended {
            *self.intended.entry(name).or_default() += times;
        }
        self.found.extend(other.found);
    }

    fn note(&mut self, shape: &Shape, case: &Case, compose: &Compose, kind: Kind) {
        let difference = Difference {
            version: compose.version,
            kind,
            text: text(shape, case),
        };
        match differences::intended(&difference) {
            Some(Intended { name, .. }) => *self.intended.entry(name).or_default() += 1,
            None => self.found.push((shape.clone(), case.clone(), difference)),
        }
    }
}

fn text(shape: &Shape, case: &Case) -> String {
    let mut told = String::new();
    for (path, text) in shape.files(&[case]) {
        if text.contains(['k', '$']) || text.contains("include") {
            told += &format!("# {path}\n{text}");
        }
    }
    told
}

/// Compares all `cases`, as many as possible in one call.
pub fn compare(shape: &Shape, cases: &[Case], compose: &Compose, tally: &mut Tally) {
    tally.cases += cases.len();
    tally.services += cases.iter().map(Case::services).sum::<usize>();
    let (good, bad): (Vec<&Case>, Vec<&Case>) = cases
        .iter()
        .partition(|case| with_project(shape, &[*case], |request| load(request).is_ok()));
    for case in bad {
        alone(shape, case, compose, tally);
    }
    let mut waiting = vec![good];
    while let Some(group) = waiting.pop() {
        if let [case] = group.as_slice() {
            alone(shape, case, compose, tally);
            continue;
        }
        let verdict = with_project(shape, &group, |request| verdict(request, compose));
        match verdict {
            Verdict::Same => {}
            Verdict::Differ(kinds) if kinds.iter().all(|kind| matches!(kind, Kind::Value(_))) => {
                for kind in kinds {
                    let Kind::Value(unlike) = &kind else { continue };
                    let case = group.iter().find(|case| case.is_named_in(&unlike.service));
                    tally.note(shape, case.unwrap_or(&group[0]), compose, kind);
                }
            }
            Verdict::Differ(kinds) => {
                let named = kinds.iter().filter_map(|kind| match kind {
                    Kind::TheyRefuse(complaint) => {
                        group.iter().position(|case| case.is_named_in(complaint))
                    }
                    _ => None,
                });
                waiting.extend(split(&group, named.min()));
            }
            Verdict::BothRefuse => waiting.extend(split(&group, None)),
        }
    }
}

/// `group` in two: the one that is guilty, if that is known, and the others; else halves.
fn split<'c>(group: &[&'c Case], guilty: Option<usize>) -> Vec<Vec<&'c Case>> {
    let Some(guilty) = guilty else {
        let (one, other) = group.split_at(group.len() / 2);
        return vec![one.to_vec(), other.to_vec()];
    };
    let mut others = group.to_vec();
    let one = others.remove(guilty);
    [others, vec![one]]
        .into_iter()
        .filter(|group| !group.is_empty())
        .collect()
}

fn alone(shape: &Shape, case: &Case, compose: &Compose, tally: &mut Tally) {
    match with_project(shape, &[case], |request| verdict(request, compose)) {
        Verdict::Same => {}
        Verdict::BothRefuse => tally.refused += 1,
        Verdict::Differ(kinds) => {
            for kind in kinds {
                tally.note(shape, case, compose, kind);
            }
        }
    }
}

/// Writes the project of these cases somewhere and hands over the request for it.
fn with_project<T>(shape: &Shape, cases: &[&Case], then: impl FnOnce(&Request) -> T) -> T {
    let folder = tempfile::tempdir().expect("a directory");
    let root = folder.path().canonicalize().expect("a real path");
    let request = shape.request(&root);
    for (path, text) in shape.files(cases) {
        write(&request.directory.join(path), &text);
    }
    then(&request)
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
    fs::write(path, text).expect("a file");
}

/// The simplest case found that shows the same unexplained difference, within `tries`.
pub fn shrink(
    shape: &Shape,
    case: &Case,
    found: &Difference,
    compose: &Compose,
    mut tries: usize,
) -> (Case, Difference) {
    let (mut case, mut found) = (case.clone(), found.clone());
    let mut n = 0;
    while n < case.simplifications() && tries > 0 {
        tries -= 1;
        let simpler = case.simplified(n);
        let mut tally = Tally::default();
        alone(shape, &simpler, compose, &mut tally);
        match tally
            .found
            .into_iter()
            .find(|(_, _, other)| found.is_like(other))
        {
            Some((_, _, same)) => (case, found) = (simpler, same),
            None => n += 1,
        }
    }
    (case, found)
}

impl Difference {
    /// Whether both look like the same mistake.
    fn is_like(&self, other: &Self) -> bool {
        self.signature() == other.signature()
    }

    /// What is the same for all differences that one mistake makes.
    pub fn signature(&self) -> String {
        let letters = |text: &str| {
            let first = text.lines().next().unwrap_or_default();
            first
                .chars()
                .filter(|c| !c.is_ascii_digit())
                .collect::<String>()
        };
        match &self.kind {
            Kind::Value(unlike) => {
                let mut parts = unlike.place.split('.');
                let place: Vec<&str> = parts.by_ref().take(2).collect();
                format!("value {}", place.join("."))
            }
            Kind::WeRefuse(complaint) => format!("dcb: {}", letters(complaint)),
            Kind::TheyRefuse(complaint) => format!("compose: {}", letters(complaint)),
            Kind::Unnamed(both, _) => format!("unnamed: {}", letters(&both.theirs)),
            Kind::Placeless(complaint) => format!("placeless: {}", letters(complaint)),
        }
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (major, minor) = self.version;
        match &self.kind {
            Kind::Value(Unlike {
                service,
                place,
                ours,
                theirs,
            }) => {
                writeln!(
                    f,
                    "{service} {place}\n  dcb:     {ours}\n  compose: {theirs}"
                )?;
            }
            Kind::WeRefuse(complaint) => writeln!(f, "only dcb refuses: {complaint}")?,
            Kind::TheyRefuse(complaint) => writeln!(f, "only compose refuses: {complaint}")?,
            Kind::Unnamed(BothSay { ours, theirs }, name) => {
                writeln!(
                    f,
                    "dcb does not name `{name}`\n  dcb:     {ours}\n  compose: {theirs}"
                )?;
            }
            Kind::Placeless(complaint) => writeln!(f, "no place in a file: {complaint}")?,
        }
        write!(f, "(Compose {major}.{minor})\n{}", self.text)
    }
}
