//! The services that a command line names, among those that take part.

use crate::diagnostic::Diagnostic;
use crate::human;

use super::model::Project;

impl Project {
    /// The active services that `patterns` name, in the project's order; all of them when there is
    /// no pattern. A pattern may hold `*`, `?` and `[a-z]`, and must find something.
    pub fn select(&self, patterns: &[String]) -> Result<Vec<String>, Diagnostic> {
        for pattern in patterns {
            if !self.services.keys().any(|name| matches(pattern, name)) {
                return Err(self.no_such_service(pattern));
            }
        }
        let named = |name: &&String| {
            patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, name))
        };
        Ok(self.services.keys().filter(named).cloned().collect())
    }

    /// `names` and everything they depend on, what is depended on first.
    pub fn with_dependencies(&self, names: &[String]) -> Vec<String> {
        let mut order = Vec::new();
        // Each name is met twice: its dependencies go first, then itself.
        let mut waiting: Vec<(&String, bool)> =
            names.iter().rev().map(|name| (name, false)).collect();
        let mut met = std::collections::HashSet::new();
        while let Some((name, expanded)) = waiting.pop() {
            if expanded {
                order.push(name.clone());
                continue;
            }
            let Some(service) = self.services.get(name).filter(|_| met.insert(name)) else {
                continue;
            };
            waiting.push((name, true));
            waiting.extend(service.depends_on.iter().rev().map(|name| (name, false)));
        }
        order
    }

    fn no_such_service(&self, wanted: &str) -> Diagnostic {
        let error = Diagnostic::error(format!("no such service: {wanted}"));
        if self.disabled.iter().any(|name| name == wanted) {
            return error.help("no active profile includes it; name its profile with `--profile`");
        }
        let known = self.services.keys().chain(&self.disabled);
        match human::nearest(wanted, known.map(String::as_str)) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => {
                let names: Vec<&str> = self.services.keys().map(String::as_str).collect();
                error.help(format!("this project has: {}", names.join(", ")))
            }
        }
    }
}

/// Whether `name` fits a pattern of Go's `path.Match`; a broken pattern fits nothing but itself.
fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    // Every star is tried with the least it can take; only the last one is ever taken back.
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p + 1, n));
            p += 1;
        } else if let Some(next) = one(&pattern, p, name[n]) {
            p = next;
            n += 1;
        } else if let Some((after, taken)) = star {
            star = Some((after, taken + 1));
            (p, n) = (after, taken + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Where the pattern goes on when what stands at `p` takes `c`.
fn one(pattern: &[char], p: usize, c: char) -> Option<usize> {
    match *pattern.get(p)? {
        '?' => Some(p + 1),
        '\\' => (*pattern.get(p + 1)? == c).then_some(p + 2),
        '[' => {
            let negated = pattern.get(p + 1) == Some(&'^');
            let start = p + 1 + usize::from(negated);
            let end = start + 1 + pattern.get(start + 1..)?.iter().position(|c| *c == ']')?;
            let set = &pattern[start..end];
            let mut found = false;
            let mut at = 0;
            while at < set.len() {
                let ranged = set.get(at + 1) == Some(&'-') && at + 2 < set.len();
                let high = if ranged { set[at + 2] } else { set[at] };
                found |= (set[at]..=high).contains(&c);
                at += if ranged { 3 } else { 1 };
            }
            (found != negated).then_some(end + 1)
        }
        literal => (literal == c).then_some(p + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_go_matches_them() {
        for (pattern, name, fits) in [
            ("web", "web", true),
            ("web", "webs", false),
            ("*", "web", true),
            ("w*b", "web", true),
            ("w*b*", "wbob", true),
            ("*a*b", "xaxxb", true),
            ("*a*b", "xbxxa", false),
            ("we?", "web", true),
            ("[ab]*", "api", true),
            ("[a-c]pi", "api", true),
            ("[^a-c]pi", "api", false),
            ("[", "a", false),
            ("\\*", "*", true),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }
}
