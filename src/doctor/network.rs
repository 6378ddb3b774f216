//! Checks of registries.

use super::{Check, Finding, Found, Needed, Role, Seen};
use crate::diagnostic::Severity;
use crate::docker::reference;
use crate::docker::survey::Availability;
use crate::human;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "NET-01",
        title: "the base images can be had",
        worst: Severity::Error,
        early: false,
        about: "What Dockerfiles begin with and copy from must be in the engine, or in a registry that the engine reaches. The engine is asked, so that its own network, mirrors and certificates count. Nothing is fetched.",
        mend: "Correct the name, or mend the engine's network; without one `docker pull` or `docker load` the image beforehand.",
        find: base_images,
    },
    Check {
        id: "NET-02",
        title: "registries let this user have the base images",
        worst: Severity::Error,
        early: false,
        about: "A registry that refuses says the same of an image that does not exist and of one that this user may not see.",
        mend: "`docker login REGISTRY`.",
        find: denied,
    },
    Check {
        id: "NET-03",
        title: "builds know of the proxy",
        worst: Severity::Note,
        early: false,
        about: "A proxy that is set in the shell is not passed on to `RUN`; one in the docker configuration (`proxies` in config.json) is, by every docker program and by dcb.",
        mend: "Write it into `~/.docker/config.json`: `{\"proxies\": {\"default\": {\"httpProxy\": \"…\", \"httpsProxy\": \"…\"}}}`.",
        find: proxy,
    },
    Check {
        id: "NET-04",
        title: "caches in registries can be reached",
        worst: Severity::Warning,
        early: false,
        about: "`cache_from` and `cache_to` of the type `registry`. A cache that does not exist yet is none to worry about; whether it may be written is known only when it is.",
        mend: "`docker login REGISTRY`; `ignore-error=true` in `cache_to` lets a build succeed whose cache could not be kept.",
        find: caches,
    },
];

fn of_images(
    seen: &Seen<'_>,
    role: Role,
    tell: impl Fn(&Needed, &Availability) -> Option<Finding>,
) -> Found {
    seen.project()?;
    let Some(images) = seen.images else {
        seen.facts()?;
        return Err("images were not asked for".into());
    };
    let of_role = images.iter().filter(|(needed, _)| needed.role == role);
    Ok(of_role
        .filter_map(|(needed, availability)| tell(needed, availability))
        .collect())
}

fn cannot_be_built(needed: &Needed) -> String {
    let names = human::list(&needed.services);
    format!("{names} cannot be built")
}

fn base_images(seen: &Seen<'_>) -> Found {
    of_images(seen, Role::Base, |needed, availability| {
        let image = &needed.image;
        let finding = match availability {
            Availability::Missing(why) => {
                Finding::error(format!("there is no image `{image}`: {why}"))
                    .so(cannot_be_built(needed))
                    .mend("correct its name in the Dockerfile")
                    .mend(format!(
                        "docker login {}, when it is not for everybody",
                        reference::registry(image)
                    ))
            }
            Availability::Unreachable(why) if why.contains("no answer in") => Finding::warning(
                format!("the registry of `{image}` does not answer in time ({why})"),
            )
            .so(format!("{}, or late", cannot_be_built(needed)))
            .mend(format!("docker pull {image}")),
            Availability::Unreachable(why) => Finding::error(format!(
                "`{image}` is not here and its registry cannot be reached: {why}"
            ))
            .so(cannot_be_built(needed))
            .mend(format!("docker pull {image}, once there is a network")),
            Availability::Limited(why) => Finding::warning(format!(
                "the registry of `{image}` has been asked too often: {why}"
            ))
            .so(format!("{} until it forgets", cannot_be_built(needed)))
            .mend(format!("docker login {}", reference::registry(image))),
            Availability::Here
            | Availability::There
            | Availability::Denied(_)
            | Availability::Unknown(_) => return None,
        };
        Some(finding)
    })
}

fn denied(seen: &Seen<'_>) -> Found {
    of_images(
        seen,
        Role::Base,
        |needed, availability| match availability {
            Availability::Denied(why) => Some(
                Finding::error(format!("the registry refuses `{}`: {why}", needed.image))
                    .so(cannot_be_built(needed))
                    .mend(format!(
                        "docker login {}",
                        reference::registry(&needed.image)
                    )),
            ),
            _ => None,
        },
    )
}

fn caches(seen: &Seen<'_>) -> Found {
    of_images(
        seen,
        Role::Cache,
        |needed, availability| match availability {
            Availability::Denied(why)
            | Availability::Unreachable(why)
            | Availability::Limited(why) => {
                let names = human::list(&needed.services);
                Some(
                    Finding::warning(format!(
                        "the cache `{}` cannot be reached: {why}",
                        needed.image
                    ))
                    .so(format!(
                        "{names} build without it, or fail when it is to be kept"
                    ))
                    .mend(format!(
                        "docker login {}",
                        reference::registry(&needed.image)
                    )),
                )
            }
            _ => None,
        },
    )
}

fn proxy(seen: &Seen<'_>) -> Found {
    let config = seen.config()?;
    let endpoint = seen.endpoint()?;
    let set = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];
    let variable = set
        .into_iter()
        .find(|name| seen.ambient.variable(name).is_some());
    let passed_on = !config
        .proxy_arguments(&endpoint.address.to_string())
        .is_empty();
    Ok(match variable {
        Some(name) if !passed_on => vec![
            Finding::note(format!(
                "{name} is set here, and the docker configuration has no proxy"
            ))
            .so("a `RUN` that needs the proxy does not know of it")
            .mend("write it under \"proxies\" in ~/.docker/config.json"),
        ],
        _ => Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::config::DockerConfig;
    use crate::docker::host::Address;
    use crate::doctor::testing::Case;

    #[test]
    fn each_trouble_with_an_image_is_told_once_by_the_check_it_belongs_to() {
        let said = || "said".to_owned();
        for (availability, id, severity) in [
            (Availability::Missing(said()), "NET-01", Severity::Error),
            (Availability::Unreachable(said()), "NET-01", Severity::Error),
            (
                Availability::Unreachable("r: no answer in 2s".into()),
                "NET-01",
                Severity::Warning,
            ),
            (Availability::Limited(said()), "NET-01", Severity::Warning),
            (Availability::Denied(said()), "NET-02", Severity::Error),
        ] {
            let mut case = Case::default();
            case.project("services: { web: { build: . } }");
            let needed = Needed {
                image: "docker.io/library/a:1".into(),
                role: Role::Base,
                services: vec!["web".into()],
            };
            case.images = Some(vec![(needed, availability.clone())]);
            assert_eq!(case.only(id).severity, severity, "{availability:?}");
            let other = if id == "NET-01" { "NET-02" } else { "NET-01" };
            assert!(case.finds(other).is_empty(), "{availability:?}");
        }
    }

    #[test]
    fn an_image_that_is_here_or_there_or_cannot_be_asked_for_is_no_trouble() {
        for availability in [
            Availability::Here,
            Availability::There,
            Availability::Unknown("x".into()),
        ] {
            let mut case = Case::default();
            case.project("services: { web: { build: . } }");
            let needed = Needed {
                image: "docker.io/library/a:1".into(),
                role: Role::Base,
                services: vec!["web".into()],
            };
            case.images = Some(vec![(needed, availability)]);
            assert!(case.finds("NET-01").is_empty() && case.finds("NET-02").is_empty());
        }
    }

    #[test]
    fn a_cache_must_be_reached_and_may_be_missing() {
        for (availability, told) in [
            (Availability::There, false),
            (Availability::Missing("manifest unknown".into()), false),
            (Availability::Denied("denied".into()), true),
            (Availability::Unreachable("no such host".into()), true),
        ] {
            let mut case = Case::default();
            case.project("services: { web: { build: . } }");
            let needed = Needed {
                image: "r.example/c:1".into(),
                role: Role::Cache,
                services: vec!["web".into()],
            };
            case.images = Some(vec![(needed, availability.clone())]);
            assert_eq!(!case.finds("NET-04").is_empty(), told, "{availability:?}");
            assert!(case.finds("NET-01").is_empty());
        }
    }

    #[test]
    fn a_proxy_of_the_shell_alone_does_not_reach_builds() {
        let mut case = Case::default();
        case.at(Address::Unix("/run/docker.sock".into()));
        case.config = Some(Ok(DockerConfig::default()));
        assert!(case.finds("NET-03").is_empty());
        case.variable("HTTPS_PROXY", "http://user:word@proxy:3128");
        let found = case.only("NET-03");
        assert!(!format!("{found:?}").contains("word"), "{found:?}");
        let with = r#"{"proxies": {"default": {"httpProxy": "http://proxy:3128"}}}"#;
        case.config = Some(Ok(serde_json::from_str(with).expect("a configuration")));
        assert!(case.finds("NET-03").is_empty());
    }
}
