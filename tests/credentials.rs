//! Private base images: with every form of credentials that the docker configuration has, on every
//! engine and builder; what a user sees when they are wrong or cannot be had; and that no password is
//! ever shown.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use support::registry::{self, AUTH, Front, IDENTITY, PASSWORD, Registry, USER};
use support::{Engine, Project, Ran, all_engines, engines, newest, on_engines};
use tempfile::TempDir;

/// `engine` with another docker configuration.
fn with(engine: &Engine, config: &TempDir) -> Engine {
    Engine {
        config: config.path().to_owned(),
        ..engine.clone()
    }
}

/// `engine` with this `config.json`.
fn configured(engine: &Engine, text: &str) -> (Engine, TempDir) {
    let config = registry::configured(engine, text);
    (with(engine, &config), config)
}

/// A program that keeps passwords, on a PATH of its own.
struct Helper(TempDir);

impl Helper {
    /// `docker-credential-NAME`, which notes how it is called and goes on with `script`.
    fn new(name: &str, script: &str) -> Self {
        let helper = Self(tempfile::tempdir().expect("a directory"));
        let program = helper.0.path().join(format!("docker-credential-{name}"));
        let calls = helper.calls_file().display().to_string();
        let text = format!("#!/bin/sh\nread host\necho \"$1 $host\" >> {calls}\n{script}\n");
        std::fs::write(&program, text).expect("a file");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        helper
    }

    /// One that knows [`USER`]'s password.
    fn knowing(name: &str) -> Self {
        let answer =
            format!(r#"{{"ServerURL":"'$host'","Username":"{USER}","Secret":"{PASSWORD}"}}"#);
        Self::new(name, &format!("echo '{answer}'"))
    }

    fn calls_file(&self) -> std::path::PathBuf {
        self.0.path().join("calls")
    }

    /// What it was asked: verb and address.
    fn calls(&self) -> Vec<String> {
        let calls = std::fs::read_to_string(self.calls_file()).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    /// PATH with it, for an engine.
    fn path(&self, engine: &Engine) -> String {
        let (own, bin) = (self.0.path().display(), engine.bin.display());
        format!("{own}:{bin}:/usr/local/bin:/usr/bin:/bin")
    }
}

/// An image that [`like_hub`] gives to anybody.
const PUBLIC_BASE: &str = "public-busybox:latest";

/// A registry that wants a token of everybody and gives one to anybody, as Docker Hub does. One that
/// wants none is never told who asks.
fn like_hub() -> Option<(Registry, Front)> {
    let registry = Registry::start()?;
    registry.push_as(&engines()[0], "busybox", PUBLIC_BASE);
    let front = Front::with_tokens(&registry);
    Some((registry, front))
}

/// A project of one service from `image`, which shares no step with any other: engines with the classic
/// builder lose shared ones when a test removes its images.
fn from(name: &str, image: &str) -> Project {
    let project = Project::new(name);
    let run = format!("RUN : {}; echo built > /it", project.name());
    project
        .file("compose.yaml", "services: { web: { build: . } }\n")
        .file("Dockerfile", &format!("FROM {image}\n{run}\n"))
}

/// The flags for each builder that an engine has.
fn builders(engine: &Engine) -> &'static [&'static [&'static str]] {
    if engine.has_buildkit() {
        &[&["build"], &["build", "--force-traditional"]]
    } else {
        &[&["build"]]
    }
}

/// All `forms` for the newest engine, the first ones for each other: who reads them is dcb, and an
/// engine gets what was read.
fn for_one<'a, T>(engine: &Engine, forms: &'a [T], first: usize) -> &'a [T] {
    if engine.host == newest().host {
        forms
    } else {
        &forms[..first]
    }
}

/// Forgets a base image, so that the next build has to pull it.
fn forget(engine: &Engine, image: &str) {
    let _ = engine.docker().args(["rmi", "--force", image]).output();
}

#[test]
fn a_private_base_image_is_pulled_with_credentials_of_every_form() {
    let Some(registry) = Registry::with_login() else {
        return;
    };
    let image = registry.push(&engines()[0], "busybox");
    let host = registry.address();
    let entry = format!(r#"{{"auth": "{AUTH}"}}"#);
    let forms = [
        format!(r#"{{"credHelpers": {{"{host}": "test"}}, "credsStore": "other"}}"#),
        format!(r#"{{"auths": {{"{host}": {entry}}}}}"#),
        format!(r#"{{"auths": {{"http://{host}/v2/": {entry}}}}}"#),
        format!(r#"{{"auths": {{"{host}": {{"username": "{USER}", "password": "{PASSWORD}"}}}}}}"#),
        r#"{"credsStore": "test"}"#.to_owned(),
    ];
    on_engines(&all_engines(), "private", |engine, _| {
        let helper = Helper::knowing("test");
        for builder in builders(engine) {
            for form in for_one(engine, &forms, 1) {
                let (engine, _config) = configured(engine, form);
                let project = from("private", &image).variable("PATH", &helper.path(&engine));
                project.run(&engine, builder).expect(0);
                let built = project.image(&engine, "web");
                assert_eq!(engine.read(&built, &["/it"]), "built", "{form}");
                forget(&engine, &image);
            }
            let variable = format!(r#"{{"auths": {{"{host}": {entry}}}}}"#);
            let project = from("private", &image).variable("DOCKER_AUTH_CONFIG", &variable);
            project.run(engine, builder).expect(0);
            forget(engine, &image);
        }
        assert!(!helper.calls().is_empty());
    });
}

#[test]
fn a_registry_is_looked_up_once_however_many_services_and_images_need_it() {
    let Some(registry) = Registry::with_login() else {
        return;
    };
    let image = registry.push(&engines()[0], "busybox");
    let compose =
        "services:\n  one: { build: one }\n  two: { build: two }\n  three: { build: three }\n";
    on_engines(&all_engines(), "once", |engine, project| {
        let helper = Helper::knowing("test");
        let (engine, _config) = configured(engine, r#"{"credsStore": "test"}"#);
        let project = project.variable("PATH", &helper.path(&engine));
        project.write("compose.yaml", compose);
        for service in ["one", "two", "three"] {
            let text = format!("FROM {image}\nRUN echo {service} > /it\n");
            project.write(&format!("{service}/Dockerfile"), &text);
        }
        project.run(&engine, &["build"]).expect(0);
        assert_eq!(helper.calls(), [format!("get {}", registry.address())]);
        forget(&engine, &image);
    });
}

#[test]
fn an_identity_token_is_exchanged_for_others_by_the_engine() {
    let Some(registry) = Registry::start() else {
        return;
    };
    registry.push(&engines()[0], "busybox");
    let mut docker = all_engines();
    docker.retain(Engine::has_buildkit);
    on_engines(&docker, "identity", |engine, _| {
        for builder in builders(engine) {
            let front = Front::with_tokens(&registry);
            let (host, image) = (front.address(), front.image("busybox:latest"));
            let login = format!(r#"{{"auths": {{"{host}": {{"identitytoken": "{IDENTITY}"}}}}}}"#);
            let answer = format!(r#"{{"Username":"<token>","Secret":"{IDENTITY}"}}"#);
            let helper = Helper::new("test", &format!("echo '{answer}'"));
            let password = format!(r#"{{"auths": {{"{host}": {{"auth": "{AUTH}"}}}}}}"#);
            let forms = [&login, &password, r#"{"credsStore": "test"}"#];
            for form in for_one(engine, &forms, 2) {
                let (engine, _config) = configured(engine, form);
                let project = from("identity", &image).variable("PATH", &helper.path(&engine));
                project.run(&engine, builder).expect(0);
                forget(&engine, &image);
            }
            assert!(front.requests().iter().any(|r| r.contains(" /token")));
            let denied = from("identity", &image).run(engine, builder).expect(5);
            denied.telling(&["registry-denied", &format!("docker login {host}")]);
        }
    });
}

#[test]
fn a_wrong_password_is_denied_and_the_login_to_that_registry_is_offered() {
    let Some(registry) = Registry::with_login() else {
        return;
    };
    let image = registry.push(&engines()[0], "busybox");
    let host = registry.address();
    // base64 of `dcb:wrong-password`.
    let wrong = format!(r#"{{"auths": {{"{host}": {{"auth": "ZGNiOndyb25nLXBhc3N3b3Jk"}}}}}}"#);
    on_engines(&all_engines(), "wrong", |engine, _| {
        for builder in builders(engine) {
            for form in [wrong.as_str(), "{}"] {
                let (engine, _config) = configured(engine, form);
                let ran = from("wrong", &image).run(&engine, builder).expect(5);
                let ran = ran.telling(&[
                    "registry-denied",
                    &format!("docker login {host}, then build again"),
                ]);
                assert!(!ran.told().contains("wrong-password"), "{}", ran.told());
            }
        }
    });
}

#[test]
fn a_helper_that_is_gone_spoils_no_build_that_needs_nobody_and_is_named() {
    let Some(private) = Registry::with_login() else {
        return;
    };
    let Some((_registry, front)) = like_hub() else {
        return;
    };
    let public = front.image(PUBLIC_BASE);
    let secret = private.push(&engines()[0], "busybox");
    on_engines(&all_engines(), "gone", |engine, _| {
        for builder in builders(engine) {
            let (engine, config) = configured(engine, r#"{"credsStore": "gone"}"#);
            let file = config.path().join("config.json").display().to_string();
            let trouble = |host: &str| {
                format!(
                    "`docker-credential-gone`, which `credsStore` in `{file}` names, does not tell who you \
                     are at `{host}`: there is no such program on PATH"
                )
            };
            let ran = from("gone", &public).run(&engine, builder).expect(0);
            let ran = ran.telling(&["web  warning  ", &trouble(front.address())]);
            assert_eq!(ran.stderr.matches("docker-credential-gone").count(), 1);
            forget(&engine, &public);

            let ran = from("gone", &secret).run(&engine, builder).expect(3);
            ran.telling(&[
                "credential-helper",
                &format!("help: {}", trouble(private.address())),
                &format!("install or mend `docker-credential-gone`, or take it out of `credsStore` in {file}"),
                &format!("docker login {}", private.address()),
            ]);
        }
    });
}

#[test]
fn what_a_failing_helper_says_is_told_but_never_an_answer() {
    let Some((_registry, front)) = like_hub() else {
        return;
    };
    let image = front.image(PUBLIC_BASE);
    let answer = format!(r#"{{"Username":"{USER}","Secret":"{PASSWORD}-kept"}}"#);
    let scripts = [
        (
            "echo 'the keychain is locked' >&2; exit 3".to_owned(),
            Some("exit status: 3: the keychain is locked"),
        ),
        (
            "echo 'error in op'; exit 1".to_owned(),
            Some("exit status: 1: error in op"),
        ),
        (format!("echo '{answer}'; exit 1"), Some("exit status: 1")),
        (
            format!("echo '{answer} and more'"),
            Some("its answer is not what such a program answers"),
        ),
        (
            "echo 'credentials not found in native keychain'; exit 1".to_owned(),
            None,
        ),
        (r#"echo '{"Username":"","Secret":""}'"#.to_owned(), None),
    ];
    on_engines(&engines()[..1], "says", |engine, _| {
        for (script, told) in &scripts {
            let helper = Helper::new("test", script);
            let (engine, _config) = configured(engine, r#"{"credsStore": "test"}"#);
            let project = from("says", &image).variable("PATH", &helper.path(&engine));
            let ran = project.run(&engine, &["build", "-v"]).expect(0);
            assert!(!ran.told().contains("-kept"), "{}", ran.told());
            assert_eq!(
                ran.stderr.contains("warning"),
                told.is_some(),
                "{}",
                ran.told()
            );
            if let Some(told) = told {
                ran.telling(&[&format!(": {told}\n")]);
            }
            assert_eq!(helper.calls().len(), 1);
        }
    });
}

#[test]
fn a_helper_that_hangs_is_given_up() {
    let Some((_registry, front)) = like_hub() else {
        return;
    };
    let image = front.image(PUBLIC_BASE);
    on_engines(&engines()[..1], "hangs", |engine, _| {
        let helper = Helper::new("test", "exec sleep 300");
        let (engine, _config) = configured(engine, r#"{"credsStore": "test"}"#);
        let project = from("hangs", &image).variable("PATH", &helper.path(&engine));
        let ran = project.run(&engine, &["build"]).expect(0);
        assert!(ran.took >= Duration::from_secs(30));
        ran.telling(&["does not tell who you are", "no answer in <time>"]);
        assert_eq!(helper.calls().len(), 1);
    });
}

#[test]
fn a_broken_entry_is_a_warning_and_broken_only_for_its_registry() {
    let Some(private) = Registry::with_login() else {
        return;
    };
    let Some((_registry, front)) = like_hub() else {
        return;
    };
    let public = front.image(PUBLIC_BASE);
    let secret = private.push(&engines()[0], "busybox");
    let (one, other) = (front.address(), private.address());
    let mixed = format!(
        r#"{{"auths": {{"{one}": {{"auth": "?{PASSWORD}"}}, "{other}": {{"auth": "{AUTH}"}}}}}}"#
    );
    let shapeless = format!(r#"{{"auths": {{"{one}": "{PASSWORD}"}}}}"#);
    on_engines(&engines()[..1], "broken", |engine, _| {
        let (mixed, _config) = configured(engine, &mixed);
        from("broken", &secret).run(&mixed, &["build"]).expect(0);
        let ran = from("broken", &public).run(&mixed, &["build"]).expect(0);
        let ran = ran.telling(&[&format!("the `auth` of `{one}` in ")]);
        assert!(!ran.stderr.contains(PASSWORD), "{}", ran.told());

        let (shapeless, _config) = configured(engine, &shapeless);
        let ran = from("broken", &public)
            .run(&shapeless, &["build"])
            .expect(0);
        let ran = ran.telling(&["`auths` in ", "is not what the docker CLI expects"]);
        assert!(!ran.stderr.contains(PASSWORD), "{}", ran.told());

        let project = from("broken", &secret);
        let variable = format!(r#"{{"auths": {{"{other}": "{PASSWORD}"}}}}"#);
        let ran = project
            .variable("DOCKER_AUTH_CONFIG", &variable)
            .run(&mixed, &["build"]);
        let ran = ran
            .expect(0)
            .telling(&["DOCKER_AUTH_CONFIG is not what the docker CLI expects"]);
        assert!(!ran.stderr.contains(PASSWORD), "{}", ran.told());
    });
}

/// A password that nothing but a leak can write.
const UNIQUE: &str = "correct-horse-battery-staple";
/// `dcb:` and it in base64.
const UNIQUE_AUTH: &str = "ZGNiOmNvcnJlY3QtaG9yc2UtYmF0dGVyeS1zdGFwbGU=";

#[test]
fn no_password_is_ever_written_anywhere() {
    let Some(registry) = Registry::with_login() else {
        return;
    };
    let image = registry.push(&engines()[0], "busybox");
    let host = registry.address();
    let auths = format!(r#"{{"auths": {{"{host}": {{"auth": "{UNIQUE_AUTH}"}}}}}}"#);
    let answer = format!(r#"{{"Username":"{USER}","Secret":"{UNIQUE}"}}"#);
    on_engines(&all_engines(), "leak", |engine, _| {
        let helper = Helper::new("test", &format!("echo '{answer}'"));
        for form in [auths.as_str(), r#"{"credsStore": "test"}"#] {
            let (engine, _config) = configured(engine, form);
            let project = from("leak", &image).variable("PATH", &helper.path(&engine));
            let named = format!("services: {{ web: {{ build: ., image: '{host}/leak' }} }}\n");
            let busybox = from("leak", "busybox").variable("PATH", &helper.path(&engine));
            busybox.write("compose.yaml", &named);
            for (project, words) in [
                (&project, &["build", "-v"] as &[&str]),
                (&project, &["plan", "-v"]),
                (&project, &["plan", "--format", "json"]),
                (&project, &["build", "-v", "--force-traditional"]),
                (&busybox, &["build", "-v", "--push"]),
                (&busybox, &["plan", "--push", "--format", "json"]),
            ] {
                let ran = project.run(&engine, words);
                // The password is not the registry's: every build and push was refused with it.
                let refused = words[0] == "build";
                assert_eq!(
                    ran.code,
                    Some(if refused { 5 } else { 0 }),
                    "{}",
                    ran.told()
                );
                holds_no_password(&ran, project);
            }
        }
    });
}

#[track_caller]
fn holds_no_password(ran: &Ran, project: &Project) {
    let mut written = vec![
        ran.stdout.clone().into_bytes(),
        ran.stderr.clone().into_bytes(),
    ];
    for directory in [project.home(), project.path()] {
        read_all(directory, &mut written);
    }
    for text in written {
        let text = String::from_utf8_lossy(&text);
        // Also within the base64 of a whole header.
        for password in [UNIQUE, UNIQUE_AUTH.trim_end_matches('='), "correct-horse"] {
            assert!(!text.contains(password), "{text}");
        }
    }
}

fn read_all(directory: &Path, into: &mut Vec<Vec<u8>>) {
    for entry in directory.read_dir().expect("a directory").flatten() {
        if entry.path().is_dir() {
            read_all(&entry.path(), into);
        } else {
            into.push(std::fs::read(entry.path()).expect("a file"));
        }
    }
}
