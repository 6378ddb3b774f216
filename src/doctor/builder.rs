//! Checks of builders: that of buildx which is selected, and the frontends that Dockerfiles name.

use super::{Check, Finding, Found, Role, Seen};
use crate::diagnostic::Severity;
use crate::docker::detect::{Chooser, Driver};
use crate::docker::survey::{Availability, OwnBuilder};
use crate::human;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "BLD-01",
        title: "the selected builder of buildx exists",
        worst: Severity::Warning,
        early: false,
        about: "`BUILDX_BUILDER` or `docker buildx use` may name a builder that was removed. Programs that build through buildx then end in an error.",
        mend: "`unset BUILDX_BUILDER`, or select the engine's own: `docker buildx use default`.",
        find: selected,
    },
    Check {
        id: "BLD-02",
        title: "what Compose builds by itself is seen by the engine",
        worst: Severity::Note,
        early: false,
        about: "A builder with another driver than `docker` has a cache of its own, does not see the engine's images and leaves none there. Once selected with `docker buildx use` it is used by `docker compose build`; dcb builds with the engine's own BuildKit unless a builder is asked for.",
        mend: "`docker buildx use default` goes back to the engine's own.",
        find: driver,
    },
    Check {
        id: "BLD-03",
        title: "the selected builder's own container can run",
        worst: Severity::Warning,
        early: false,
        about: "A builder of the kind `docker-container` runs in a container of the engine. buildx fetches its image and starts it when it is used for the first time, which needs a network; one that is paused or dead is not mended by itself.",
        mend: "`docker pull` the image that is named while there is a network; `docker unpause` the container, or remove it, for buildx makes it anew.",
        find: container,
    },
    Check {
        id: "BLD-04",
        title: "the frontends that Dockerfiles name can be had",
        worst: Severity::Warning,
        early: false,
        about: "`# syntax=` has BuildKit fetch the program that reads the Dockerfile. Without a network it must be in the engine already. Where the engine's own frontend does as well, dcb falls back to it.",
        mend: "`docker pull` the image while there is a network, or take the line out where the engine's own frontend suffices.",
        find: frontends,
    },
    Check {
        id: "BLD-05",
        title: "a small build really works",
        worst: Severity::Error,
        early: false,
        about: "With `--deep` only: an image of a step or two is built with every builder of the engine, under a name of its own and from an image that is there already. The second build must come from the cache, and a cache mount must keep what is left in it. The images are removed again.",
        mend: "The failure says what stood in the way; look into the engine's log: `journalctl -u docker --since -5min`.",
        find: trials,
    },
];

fn selected(seen: &Seen<'_>) -> Found {
    let builder = &seen.machine()?.builder;
    let Err(why) = &builder.driver else {
        return Ok(Vec::new());
    };
    if builder.chosen_by == Chooser::Variable && matches!(seen.outlook, Some(Err(_))) {
        return Err("a plan that asks for it is refused (CMP-09)".into());
    }
    let finding = Finding::warning(format!("{} selects a builder that cannot be used: {why}", builder.chosen_by.id()))
        .so("`docker buildx` and `docker compose build` end in an error, and so does dcb where it is asked for that builder");
    Ok(vec![finding.mend(match builder.chosen_by {
        Chooser::Variable => "unset BUILDX_BUILDER",
        Chooser::Use | Chooser::Context => "docker buildx use default",
    })])
}

fn driver(seen: &Seen<'_>) -> Found {
    let builder = &seen.machine()?.builder;
    Ok(match &builder.driver {
        Ok(Driver::Other(driver)) if builder.chosen_by == Chooser::Use => vec![
            Finding::note(format!("`docker buildx use` selected `{}`, a builder of the kind {driver}", builder.name))
                .so("dcb builds with the engine's own BuildKit; `docker compose build` would build there, where the engine's images are not seen")
                .mend("docker buildx use default"),
        ],
        _ => Vec::new(),
    })
}

fn container(seen: &Seen<'_>) -> Found {
    seen.facts()?;
    let selected = &seen.machine()?.builder;
    match &selected.driver {
        Ok(Driver::Other(driver)) if driver == "docker-container" => {}
        Ok(Driver::Other(driver)) => {
            return Err(
                format!("a builder of the kind {driver} is seen only when it builds").into(),
            );
        }
        Ok(Driver::Docker) => return Ok(Vec::new()),
        Err(_) => return Err("the selected builder cannot be used (BLD-01)".into()),
    }
    let Some(builder) = seen.own_builder else {
        return Err("the builder runs elsewhere, or the engine did not tell of it in time".into());
    };
    let OwnBuilder {
        container,
        image,
        is_here,
        ..
    } = builder;
    let name = &selected.name;
    let (evidence, consequence, remedy) = match builder.state.as_deref() {
        // Whichever is not there yet is made, and one that stopped is started, when it is used.
        Some("created" | "running" | "exited") => return Ok(Vec::new()),
        Some(state) => (
            format!("the container `{container}` of the builder `{name}` is {state}"),
            "builds with it wait or end in an error",
            match state {
                "paused" => format!("docker unpause {container}"),
                _ => format!("docker rm --force {container}"),
            },
        ),
        None if *is_here => return Ok(Vec::new()),
        None => (
            format!("the image `{image}` of the builder `{name}` is not here"),
            "the first build with it fetches the image, and fails without a network",
            format!("docker pull {image}"),
        ),
    };
    // dcb builds there only when it is told to.
    let finding = match selected.chosen_by {
        Chooser::Variable => Finding::warning(evidence),
        Chooser::Use | Chooser::Context => Finding::note(evidence),
    };
    Ok(vec![finding.so(consequence).mend(remedy)])
}

fn frontends(seen: &Seen<'_>) -> Found {
    seen.project()?;
    let Some(images) = seen.images else {
        return Err("images were not asked for".into());
    };
    let frontends = images
        .iter()
        .filter(|(needed, _)| needed.role == Role::Frontend);
    Ok(frontends
        .filter_map(|(needed, availability)| {
            let why = match availability {
                Availability::Here | Availability::There | Availability::Unknown(_) => return None,
                Availability::Missing(why)
                | Availability::Denied(why)
                | Availability::Limited(why)
                | Availability::Unreachable(why) => why,
            };
            let image = &needed.image;
            let services = human::list(&needed.services);
            Some(
                Finding::warning(format!(
                    "the frontend `{image}` is not here and cannot be had: {why}"
                ))
                .so(format!(
                    "the engine's own frontend has to do for {services}, or they cannot be built"
                ))
                .mend(format!("docker pull {image}"))
                .mend("take the line `# syntax=` out"),
            )
        })
        .collect())
}

fn trials(seen: &Seen<'_>) -> Found {
    seen.facts()?;
    let Some(trials) = seen.trials else {
        return Err("nothing is built without --deep".into());
    };
    let log = "look into the engine's log: journalctl -u docker --since -5min";
    Ok(trials
        .iter()
        .filter_map(|trial| {
            let builder = &trial.builder;
            let finding = match (&trial.first, trial.again, trial.kept) {
                (Err(failure), ..) => {
                    let mut finding = Finding::failure(failure);
                    finding.evidence = format!("a small build with {builder} fails: {failure}");
                    finding.so("builds of this project will fail likewise")
                }
                (Ok(_), None, _) => Finding::warning(format!(
                    "the same small build fails with {builder} a second time"
                ))
                .so("builds may fail now and then"),
                (Ok(_), Some(_), _) if !trial.cached => Finding::warning(format!(
                    "{builder} builds the same a second time and takes nothing from its cache"
                ))
                .so("every build takes as long as the first"),
                (Ok(_), Some(_), Some(false)) => Finding::warning(format!(
                    "a cache mount of {builder} does not keep what is left in it"
                ))
                .so("what package managers download is downloaded anew each time"),
                (Ok(_), Some(_), _) => return None,
            };
            Some(finding.mend(log))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::detect::Builder;
    use crate::doctor::testing::Case;
    use crate::doctor::{Needed, Trial};
    use crate::failure::{Class, Failure};

    #[test]
    fn a_builder_that_is_selected_and_gone_or_foreign_is_told() {
        let mut case = Case::default();
        case.engine("28.5.2", (1, 51), false);
        assert!(case.finds("BLD-01").is_empty() && case.finds("BLD-02").is_empty());
        let builder = |driver, chosen_by| Builder {
            name: "ci".into(),
            driver,
            chosen_by,
        };
        case.machine().builder = builder(Err("there is no builder `ci`".into()), Chooser::Variable);
        assert_eq!(case.only("BLD-01").remedy, ["unset BUILDX_BUILDER"]);
        let container = || Ok(Driver::Other("docker-container".into()));
        case.machine().builder = builder(container(), Chooser::Use);
        assert_eq!(case.only("BLD-02").severity, Severity::Note);
        case.machine().builder = builder(container(), Chooser::Variable);
        assert!(
            case.finds("BLD-02").is_empty(),
            "who names it for this means it"
        );
    }

    #[test]
    fn the_container_of_a_builder_must_run_or_be_made_without_a_network() {
        let mut case = Case::default();
        case.engine("28.5.2", (1, 51), false);
        assert!(case.finds("BLD-03").is_empty());
        let selected = |driver: &str, chosen_by| Builder {
            name: "ci".into(),
            driver: Ok(Driver::Other(driver.into())),
            chosen_by,
        };
        case.machine().builder = selected("kubernetes", Chooser::Variable);
        assert!(case.skips("BLD-03").contains("kubernetes"));
        case.machine().builder = selected("docker-container", Chooser::Variable);
        assert!(case.skips("BLD-03").contains("elsewhere"));
        let container = |state: Option<&str>, is_here| OwnBuilder {
            container: "buildx_buildkit_ci0".into(),
            state: state.map(str::to_owned),
            image: "moby/buildkit:buildx-stable-1".into(),
            is_here,
        };
        for (state, is_here, remedy) in [
            (Some("running"), true, None),
            (Some("exited"), true, None),
            (None, true, None),
            (
                Some("paused"),
                true,
                Some("docker unpause buildx_buildkit_ci0"),
            ),
            (
                Some("dead"),
                true,
                Some("docker rm --force buildx_buildkit_ci0"),
            ),
            (
                None,
                false,
                Some("docker pull moby/buildkit:buildx-stable-1"),
            ),
        ] {
            case.own_builder = Some(container(state, is_here));
            let found = case.finds("BLD-03");
            let first = found.first().map(|it| it.remedy[0].as_str());
            assert_eq!(first, remedy, "{state:?}");
        }
        assert_eq!(case.only("BLD-03").severity, Severity::Warning);
        case.machine().builder = selected("docker-container", Chooser::Use);
        assert_eq!(case.only("BLD-03").severity, Severity::Note);
    }

    #[test]
    fn a_small_build_must_work_be_cached_and_keep_its_mount() {
        use std::time::Duration;
        let fine = || Trial {
            builder: "buildkit".into(),
            first: Ok(Duration::from_millis(200)),
            again: Some(Duration::from_millis(30)),
            cached: true,
            kept: Some(true),
        };
        let mut case = Case::default();
        case.engine("28.5.2", (1, 51), false);
        assert!(case.skips("BLD-05").contains("--deep"));
        case.trials = Some(vec![
            fine(),
            Trial {
                kept: None,
                ..fine()
            },
        ]);
        assert!(case.finds("BLD-05").is_empty());
        let broken = Err(Failure::new(Class::BuilderBroken, "it broke"));
        for (trial, severity) in [
            (
                Trial {
                    first: broken,
                    ..fine()
                },
                Severity::Error,
            ),
            (
                Trial {
                    again: None,
                    ..fine()
                },
                Severity::Warning,
            ),
            (
                Trial {
                    cached: false,
                    ..fine()
                },
                Severity::Warning,
            ),
            (
                Trial {
                    kept: Some(false),
                    ..fine()
                },
                Severity::Warning,
            ),
        ] {
            case.trials = Some(vec![trial]);
            assert_eq!(case.only("BLD-05").severity, severity);
        }
    }

    #[test]
    fn a_frontend_must_be_here_or_there() {
        let mut case = Case::default();
        case.project("services: { web: { build: . } }");
        let needed = |role| Needed {
            image: "docker.io/docker/dockerfile:1".into(),
            role,
            services: vec!["web".into()],
        };
        for (availability, found) in [
            (Availability::Here, 0),
            (Availability::There, 0),
            (Availability::Unknown("Podman".into()), 0),
            (Availability::Unreachable("no such host".into()), 1),
            (Availability::Denied("denied".into()), 1),
        ] {
            case.images = Some(vec![
                (needed(Role::Frontend), availability.clone()),
                (needed(Role::Base), Availability::Unreachable(String::new())),
            ]);
            assert_eq!(case.finds("BLD-04").len(), found, "{availability:?}");
        }
    }
}
