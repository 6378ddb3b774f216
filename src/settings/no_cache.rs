//! `--no-cache`, as it is typed: alone, `layers`, or the services and stages that it is for.

use indexmap::IndexMap;

use crate::cli::BuildFlags;
use crate::failure::{Class, Failure};
use crate::plan::NoCache;

/// What the values of `--no-cache` ask for together.
///
/// # Errors
/// When they contradict each other, or one names nothing.
pub(super) fn read(values: &[String]) -> Result<NoCache, Failure> {
    let has = |word: &str| values.iter().any(|value| value == word);
    if has("all") && has("layers") {
        return Err(wrong(
            "`--no-cache` empties cache mounts, and `--no-cache=layers` keeps them",
        ));
    }
    if has("all") {
        return Ok(NoCache::All);
    }
    let mut services: IndexMap<String, Vec<String>> = IndexMap::new();
    let mut whole: Vec<&str> = Vec::new();
    for value in values.iter().filter(|value| *value != "layers") {
        match value.split_once(':') {
            None if !value.is_empty() => whole.push(value),
            Some((service, stage)) if !service.is_empty() && !stage.is_empty() => {
                let stages = services.entry(service.to_owned()).or_default();
                stages.push(stage.to_owned());
            }
            _ => return Err(wrong(&format!("`--no-cache={value}` names nothing"))),
        }
    }
    for service in whole {
        services.insert(service.to_owned(), Vec::new());
    }
    match (has("layers"), services.is_empty()) {
        (true, true) => Ok(NoCache::Layers),
        (true, false) => Err(wrong(
            "`--no-cache=layers` is for all services that are built, and others are named beside it",
        )
        .hint("for some services: dcb build --no-cache=layers SERVICE...")),
        (false, true) => Ok(NoCache::AsWritten),
        (false, false) => Ok(NoCache::Services(services)),
    }
}

/// Whether nothing at all is taken from the cache.
pub fn builds_all_anew(flags: &BuildFlags) -> bool {
    matches!(read(&flags.no_cache), Ok(NoCache::All))
}

fn wrong(message: &str) -> Failure {
    Failure::new(Class::Usage, message)
        .hint("write --no-cache, --no-cache=layers, --no-cache=SERVICE or --no-cache=SERVICE:STAGE")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &[&str]) -> Result<NoCache, Class> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        read(&words).map_err(|failure| failure.class)
    }

    #[test]
    fn all_counts_before_services_and_a_service_before_its_stages() {
        assert_eq!(asked(&[]), Ok(NoCache::AsWritten));
        assert_eq!(asked(&["web", "all"]), Ok(NoCache::All));
        assert_eq!(asked(&["layers"]), Ok(NoCache::Layers));
        let services = [("web", vec![]), ("api", vec!["deps".to_owned()])];
        let services = services.map(|(name, stages)| (name.to_owned(), stages));
        assert_eq!(
            asked(&["web:build", "web", "api:deps"]),
            Ok(NoCache::Services(IndexMap::from(services)))
        );
    }

    #[test]
    fn what_contradicts_itself_or_names_nothing_is_refused() {
        for words in [
            &["all", "layers"][..],
            &["layers", "web"],
            &[""],
            &["web:"],
            &[":deps"],
        ] {
            assert_eq!(asked(words), Err(Class::Usage), "{words:?}");
        }
    }
}
