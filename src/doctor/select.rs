//! Which checks are run: `--only` and `--skip`, by id or by group.

use super::{Check, GROUPS, Group, checks};
use crate::human;

/// Which checks are run; all by default.
#[derive(Debug, Default)]
pub struct Selection {
    only: Vec<String>,
    skip: Vec<String>,
}

impl Selection {
    /// Reads words such as `engine`, `DSK` and `NET-01`.
    ///
    /// # Errors
    /// With the first word that names nothing, and what it may have meant.
    pub fn new(only: &[String], skip: &[String]) -> Result<Self, (String, Option<&'static str>)> {
        for word in only.iter().chain(skip) {
            if !GROUPS.iter().any(|group| is_group(word, group)) && super::check(word).is_none() {
                let names = GROUPS.iter().map(|group| group.name);
                let known = names.chain(checks().map(|check| check.id));
                return Err((word.clone(), human::nearest(word, known)));
            }
        }
        Ok(Self {
            only: only.to_vec(),
            skip: skip.to_vec(),
        })
    }

    /// Whether any check of the group called `name` is run.
    pub fn takes(&self, name: &str) -> bool {
        let groups = GROUPS.iter().filter(|group| group.name == name);
        groups
            .flat_map(|group| group.checks.iter().map(move |check| (group, check)))
            .any(|(group, check)| self.leaves_out(group, check).is_none())
    }

    /// Whether `--only` names the check itself, and not only its group.
    pub fn names(&self, check: &Check) -> bool {
        self.only
            .iter()
            .any(|word| check.id.eq_ignore_ascii_case(word))
    }

    /// Why a check is not run.
    pub(super) fn leaves_out(&self, group: &Group, check: &Check) -> Option<&'static str> {
        let named = |words: &[String]| {
            let mut words = words.iter();
            words.any(|word| is_group(word, group) || check.id.eq_ignore_ascii_case(word))
        };
        if named(&self.skip) {
            Some("--skip leaves it out")
        } else if !self.only.is_empty() && !named(&self.only) {
            Some("--only leaves it out")
        } else {
            None
        }
    }
}

fn is_group(word: &str, group: &Group) -> bool {
    word.eq_ignore_ascii_case(group.name) || word.eq_ignore_ascii_case(group.prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(only: &[&str], skip: &[&str]) -> Vec<&'static str> {
        let words = |words: &[&str]| {
            words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        let selection = Selection::new(&words(only), &words(skip)).expect("known words");
        let all = GROUPS
            .iter()
            .flat_map(|group| group.checks.iter().map(move |it| (group, it)));
        all.filter(|(group, check)| selection.leaves_out(group, check).is_none())
            .map(|(_, check)| check.id)
            .collect()
    }

    #[test]
    fn checks_are_chosen_by_id_and_by_group() {
        assert_eq!(chosen(&[], &[]).len(), checks().count());
        assert_eq!(chosen(&["eng-02", "CLI-07"], &[]), ["ENG-02", "CLI-07"]);
        let engine = chosen(&["engine"], &["ENG-01"]);
        assert!(engine.iter().all(|id| id.starts_with("ENG-")) && !engine.contains(&"ENG-01"));
        assert_eq!(engine.len() + 1, chosen(&["ENG"], &[]).len());
        assert!(
            !chosen(&[], &["network"])
                .iter()
                .any(|id| id.starts_with("NET"))
        );
    }

    #[test]
    fn a_word_that_names_nothing_is_told() {
        let refused = |word: &str| Selection::new(&[word.to_owned()], &[]).expect_err("unknown");
        assert_eq!(refused("netwrok"), ("netwrok".to_owned(), Some("network")));
        assert_eq!(refused("ENG-99").1, Some("ENG-09"));
        assert_eq!(refused("zzzzzz").1, None);
    }

    #[test]
    fn a_group_of_which_nothing_is_run_need_not_be_looked_at() {
        let skip = Selection::new(&[], &["network".to_owned()]).expect("known");
        assert!(!skip.takes("network") && skip.takes("disk"));
        let one = Selection::new(&["NET-01".to_owned()], &[]).expect("known");
        assert!(one.takes("network") && !one.takes("disk"));
        let check = crate::doctor::check("NET-01").expect("a check");
        assert!(one.names(check) && !skip.names(check));
    }
}
