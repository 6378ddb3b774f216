//! The docker configuration as the docker CLI reads it, without any program.

use indexmap::IndexMap;
use proptest::prelude::*;

use super::*;
use crate::ambient::Terminal;
use crate::secret::Secret;

/// A machine with these variables and nothing else.
fn ambient(variables: &[(&str, &str)]) -> Ambient {
    Ambient {
        arguments: Vec::new(),
        environment: variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<IndexMap<_, _>>(),
        directory: "/".into(),
        home: None,
        memory: None,
        hostname: String::new(),
        stdin_is_terminal: false,
        stdout: Terminal::UNKNOWN,
        stderr: Terminal::UNKNOWN,
    }
}

fn credentials(config: &str, variables: &[(&str, &str)]) -> Credentials {
    let config: DockerConfig = serde_json::from_str(config).expect("a configuration");
    Credentials::new(&ambient(variables), &config)
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(work)
}

fn of(config: &str, host: &str) -> Login {
    wait(credentials(config, &[]).of(host))
}

fn password(user: &str, password: &str) -> Login {
    Login::Password {
        user: user.to_owned(),
        password: Secret::new(password),
    }
}

/// `me:pass:word` in base64.
const AUTH: &str = "bWU6cGFzczp3b3Jk";

#[test]
fn every_form_of_an_entry_is_understood() {
    let me = || password("me", "pass:word");
    for (entry, login) in [
        (format!(r#"{{"auth": "{AUTH}"}}"#), me()),
        (
            r#"{"username": "me", "password": "pass:word"}"#.to_owned(),
            me(),
        ),
        (
            format!(r#"{{"auth": "{AUTH}", "username": "other", "password": "x"}}"#),
            me(),
        ),
        // `me:word\0\0`, as programs of old wrote it.
        (
            r#"{"auth": "bWU6d29yZAAA"}"#.to_owned(),
            password("me", "word"),
        ),
        (
            format!(r#"{{"auth": "{AUTH}", "identitytoken": "t"}}"#),
            Login::Identity(Secret::new("t")),
        ),
        (
            r#"{"registrytoken": "t"}"#.to_owned(),
            Login::Token(Secret::new("t")),
        ),
        ("{}".to_owned(), Login::Anonymous),
        (
            r#"{"email": "me@example.org"}"#.to_owned(),
            Login::Anonymous,
        ),
    ] {
        let config = format!(r#"{{"auths": {{"ghcr.io": {entry}}}}}"#);
        assert_eq!(of(&config, "ghcr.io"), login, "{entry}");
        assert_eq!(of(&config, "quay.io"), Login::Anonymous);
    }
}

#[test]
fn keys_are_hosts_however_they_are_written() {
    for (key, host) in [
        ("ghcr.io", "ghcr.io"),
        ("https://ghcr.io", "ghcr.io"),
        ("https://ghcr.io/v2/", "ghcr.io"),
        ("ghcr.io/acme", "ghcr.io"),
        ("http://localhost:5000/v2/", "localhost:5000"),
        ("https://index.docker.io/v1/", "registry-1.docker.io"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("docker.io", "registry-1.docker.io"),
        ("index.docker.io", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
    ] {
        let config = format!(r#"{{"auths": {{"{key}": {{"auth": "{AUTH}"}}}}}}"#);
        assert_eq!(
            of(&config, host),
            password("me", "pass:word"),
            "{key} {host}"
        );
        assert_eq!(of(&config, "localhost:5001"), Login::Anonymous);
    }
}

#[test]
fn the_key_that_the_docker_cli_writes_goes_before_one_that_means_the_same() {
    let config = format!(
        r#"{{"auths": {{"https://ghcr.io": {{"username": "old", "password": "x"}}, "ghcr.io": {{"auth": "{AUTH}"}}}}}}"#
    );
    assert_eq!(of(&config, "ghcr.io"), password("me", "pass:word"));
}

#[test]
fn the_variable_goes_before_the_file_and_the_file_fills_in() {
    let file = r#"{"auths": {"ghcr.io": {"username": "f", "password": "f"}, "quay.io": {"username": "f", "password": "f"}}}"#;
    let variable = format!(r#"{{"auths": {{"ghcr.io": {{"auth": "{AUTH}"}}}}}}"#);
    let known = credentials(file, &[("DOCKER_AUTH_CONFIG", &variable)]);
    assert_eq!(wait(known.of("ghcr.io")), password("me", "pass:word"));
    assert_eq!(wait(known.of("quay.io")), password("f", "f"));
}

#[test]
fn a_program_goes_before_an_entry_and_one_for_the_registry_before_one_for_all() {
    let entry = format!(r#""auths": {{"ghcr.io": {{"auth": "{AUTH}"}}}}"#);
    for (config, key) in [
        (
            format!(r#"{{"credsStore": "gone-a", {entry}}}"#),
            "credsStore",
        ),
        (
            format!(
                r#"{{"credHelpers": {{"ghcr.io": "gone-a"}}, "credsStore": "gone-b", {entry}}}"#
            ),
            "credHelpers",
        ),
    ] {
        let known = credentials(&config, &[]);
        assert_eq!(wait(known.of("ghcr.io")), Login::Anonymous);
        let refused = Failure::new(
            Class::RegistryDenied,
            "failed to look up `ghcr.io/a/b:1`: no",
        );
        let explained = known.explain(refused);
        assert_eq!(explained.class, Class::CredentialHelper);
        assert!(
            explained.hints[0]
                .starts_with(&format!("`docker-credential-gone-a`, which `{key}` in ")),
            "{:?}",
            explained.hints
        );
        let other = Failure::new(
            Class::RegistryDenied,
            "failed to look up `quay.io/a/b:1`: no",
        );
        assert_eq!(known.explain(other).class, Class::RegistryDenied);
    }
}

#[test]
fn an_empty_name_switches_a_program_off_and_null_is_nothing() {
    for helpers in [
        r#""credHelpers": {"ghcr.io": ""}, "credsStore": "gone""#,
        r#""credHelpers": null, "credsStore": null"#,
        r#""credsStore": """#,
    ] {
        let config = format!(r#"{{{helpers}, "auths": {{"ghcr.io": {{"auth": "{AUTH}"}}}}}}"#);
        assert_eq!(
            of(&config, "ghcr.io"),
            password("me", "pass:word"),
            "{helpers}"
        );
    }
    assert_eq!(of(r#"{"auths": null}"#, "ghcr.io"), Login::Anonymous);
}

#[test]
fn what_cannot_be_understood_is_told_once_without_what_it_holds() {
    for config in [
        r#"{"auths": {"ghcr.io": {"auth": "?correct-horse"}}}"#,
        r#"{"auths": {"ghcr.io": "correct-horse"}}"#,
        r#"{"auths": ["correct-horse"]}"#,
        r#"{"auths": {"ghcr.io": {"password": ["correct-horse"]}}}"#,
        r#"{"credsStore": {"correct-horse": 1}}"#,
        r#"{"credHelpers": "correct-horse"}"#,
    ] {
        let known = credentials(config, &[]);
        let (events, mut heard) = Events::channel(8);
        wait(known.telling(JobId(0), &events, async {
            assert_eq!(known.of("ghcr.io").await, Login::Anonymous);
            assert_eq!(known.of("ghcr.io").await, Login::Anonymous);
        }));
        drop(events);
        let told = heard.blocking_recv().expect("a warning");
        let told = serde_json::to_string(&told).expect("JSON");
        assert!(!told.contains("correct-horse"), "{told}");
        assert!(heard.blocking_recv().is_none(), "{config}");
    }
}

#[test]
fn the_engine_api_gets_what_it_expects() {
    use base64::Engine as _;
    let decoded = |secret: &Secret| {
        let bytes = base64::engine::general_purpose::URL_SAFE.decode(secret.reveal());
        String::from_utf8(bytes.expect("base64")).expect("text")
    };
    assert_eq!(decoded(&registry_auth("ghcr.io", &Login::Anonymous)), "{}");
    assert_eq!(
        decoded(&registry_auth("docker.io", &password("me", "x"))),
        r#"{"password":"x","serveraddress":"https://index.docker.io/v1/","username":"me"}"#
    );
    let logins = [
        ("docker.io".to_owned(), Login::Identity(Secret::new("i"))),
        ("ghcr.io".to_owned(), Login::Token(Secret::new("r"))),
        ("quay.io".to_owned(), Login::Anonymous),
    ];
    assert_eq!(
        decoded(&registry_config(&logins)),
        r#"{"ghcr.io":{"registrytoken":"r","serveraddress":"ghcr.io"},"https://index.docker.io/v1/":{"identitytoken":"i","serveraddress":"https://index.docker.io/v1/"}}"#
    );
    assert_eq!(registry_config(&logins[2..]).reveal(), "e30=");
}

proptest! {
    #[test]
    fn no_form_of_a_secret_prints_it(secret in "[A-Za-z0-9]{12,40}", user in "[a-z]{1,8}") {
        let entry = serde_json::json!({"auths": {
            "ghcr.io": {"username": user, "password": secret},
            "quay.io": {"identitytoken": secret},
            "gcr.io": {"registrytoken": secret},
        }});
        let config: DockerConfig = serde_json::from_value(entry).expect("a configuration");
        let known = Credentials::new(&ambient(&[]), &config);
        let mut shown = format!("{config:?}");
        for host in ["ghcr.io", "quay.io", "gcr.io"] {
            let login = wait(known.of(host));
            prop_assert_ne!(&login, &Login::Anonymous);
            shown.push_str(&format!("{login:?} {:?}", registry_auth(host, &login)));
        }
        let header = registry_auth("quay.io", &Login::Identity(Secret::new(secret.clone())));
        prop_assert!(!shown.contains(&secret), "{}", shown);
        prop_assert!(!shown.contains(header.reveal()), "{}", shown);
    }
}
