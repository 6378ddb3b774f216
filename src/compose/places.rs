//! Rules that hold at certain places of a tree, looked up while a walk goes down it.
//!
//! A table names its places by ways such as `services.*.cpus`: keys joined by dots, `*` for any key
//! or index. [`Rules`] is that table as a tree, so that a walk steps down in it along with the nodes,
//! one look-up per node however long the table is, and none below a place that no rule speaks of.

use std::fmt;

use super::tree::Path;

/// A table of rules, or what is left of it below some place.
#[derive(Debug)]
pub(super) struct Rules<T> {
    /// The rule for the place itself.
    here: Option<T>,
    /// What holds below a key, sorted by keys.
    below: Vec<(&'static str, Rules<T>)>,
    /// What holds below any other key, and below the items of a list.
    other: Option<Box<Rules<T>>>,
}

impl<T> Default for Rules<T> {
    fn default() -> Self {
        Self {
            here: None,
            below: Vec::new(),
            other: None,
        }
    }
}

impl<T: Copy> Rules<T> {
    /// The rules of a table.
    pub(super) fn new(table: &[(&'static str, T)]) -> Self {
        let mut rules = Self::default();
        for (way, rule) in table {
            let place = way.split('.').fold(&mut rules, Self::step);
            place.here = Some(*rule);
        }
        rules
    }

    fn step(&mut self, key: &'static str) -> &mut Self {
        if key == "*" {
            return self.other.get_or_insert_default();
        }
        let at = self.find(key).unwrap_or_else(|at| {
            self.below.insert(at, (key, Self::default()));
            at
        });
        &mut self.below[at].1
    }
}

impl<T> Rules<T> {
    fn key(&self, key: &str) -> Option<&Self> {
        match self.find(key) {
            Ok(at) => Some(&self.below[at].1),
            Err(_) => self.other.as_deref(),
        }
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        self.below.binary_search_by(|(known, _)| (*known).cmp(key))
    }
}

/// Where a walk is, and the rules for what is there and below.
pub(super) struct Place<'a, T> {
    path: Path<'a>,
    rules: Option<&'a Rules<T>>,
}

impl<'a, T> Place<'a, T> {
    /// The root of the tree, where a walk by `rules` begins.
    pub(super) fn root(rules: &'a Rules<T>) -> Self {
        Self {
            path: Path::ROOT,
            rules: Some(rules),
        }
    }

    /// The place that `key` leads to from here.
    pub(super) fn join(&'a self, key: &'a str) -> Self {
        Self {
            path: self.path.join(key),
            rules: self.rules.and_then(|rules| rules.key(key)),
        }
    }

    /// The place of an item of the list that is here.
    pub(super) fn item(&'a self, index: usize) -> Self {
        Self {
            path: self.path.item(index),
            rules: self.rules.and_then(|rules| rules.other.as_deref()),
        }
    }

    /// The rule that holds here.
    pub(super) fn rule(&self) -> Option<&'a T> {
        self.rules?.here.as_ref()
    }

    /// Whether a rule holds at some place below, so that going on makes sense.
    pub(super) fn goes_on(&self) -> bool {
        self.rules
            .is_some_and(|rules| rules.other.is_some() || !rules.below.is_empty())
    }

    /// The way that led here.
    pub(super) fn path(&self) -> &Path<'a> {
        &self.path
    }
}

impl<T> fmt::Display for Place<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_found_key_by_key_from_the_root() {
        let table = [
            ("services.*.build", 1),
            ("services.*.build.args", 2),
            ("services.*.ports.*.target", 3),
            ("volumes", 4),
        ];
        let rules = Rules::new(&table);
        let root = Place::root(&rules);
        let found = |keys: &[&str]| {
            fn down(place: &Place<'_, i32>, keys: &[&str]) -> (Option<i32>, bool, String) {
                match keys {
                    [] => (place.rule().copied(), place.goes_on(), place.to_string()),
                    [key, rest @ ..] => match key.parse() {
                        Ok(index) => down(&place.item(index), rest),
                        Err(_) => down(&place.join(key), rest),
                    },
                }
            }
            down(&root, keys)
        };
        for (keys, rule, goes_on) in [
            (&["services"][..], None, true),
            (&["services", "web.one", "build"], Some(1), true),
            (&["services", "web", "build", "args"], Some(2), false),
            (&["services", "web", "build", "tags"], None, false),
            (&["services", "web", "ports", "0", "target"], Some(3), false),
            (&["volumes"], Some(4), false),
            (&["build"], None, false),
        ] {
            assert_eq!(found(keys), (rule, goes_on, keys.join(".")));
        }
    }
}
