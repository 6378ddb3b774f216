use super::*;
use crate::compose::Ulimit;
use crate::docker::spec::NamedContext;
use crate::secret::Secret;

fn spec() -> BuildSpec {
    BuildSpec {
        tags: vec!["docker.io/library/shop-web:latest".into()],
        ..BuildSpec::new(
            ContextSource::Directory("/src".into()),
            DockerfileSource::File("/src/web.Dockerfile".into()),
            "web.Dockerfile",
        )
    }
}

/// The command as it would be typed, in an environment and with proxies added.
fn typed(spec: &BuildSpec, environment: &[(&str, &str)]) -> Result<String, Failure> {
    let directory = tempfile::tempdir().expect("a directory");
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let around = Around {
        program: Path::new("buildx"),
        builder: "mine",
        directory: directory.path(),
        environment: &environment.iter().map(owned).collect(),
        proxies: &[("HTTP_PROXY".into(), "http://u:p@proxy".into())],
    };
    let told = command(spec, &around)?.to_string();
    Ok(told.replace(&directory.path().display().to_string(), "<private>"))
}

#[test]
fn a_plain_build_is_loaded_and_attests_nothing() {
    assert_eq!(
        typed(&spec(), &[]).expect("a command"),
        "buildx build --builder mine --progress=rawjson --load --tag docker.io/library/shop-web:latest \
         --attest type=provenance,disabled=true --file /src/web.Dockerfile /src"
    );
}

#[test]
fn what_is_to_be_pushed_is_not_loaded() {
    let spec = BuildSpec {
        destination: Keeper::Registry,
        ..spec()
    };
    let told = typed(&spec, &[]).expect("a command");
    assert!(
        told.contains(" --push --metadata-file <private>/metadata.json --tag "),
        "{told}"
    );
    assert!(!told.contains("--load"), "{told}");
}

#[test]
fn every_key_has_its_flag() {
    let spec = BuildSpec {
        context: ContextSource::Remote("https://example.org/a.git".into()),
        dockerfile: DockerfileSource::InContext("x/Dockerfile".into()),
        target: Some("prod".into()),
        labels: IndexMap::from([("a.b".into(), "c d".into())]),
        tags: Vec::new(),
        platforms: vec!["linux/amd64".into(), "linux/arm64".into()],
        cache: CacheUse::Without(vec!["deps".into()]),
        pull: PullPolicy::Always,
        network: Network::None,
        extra_hosts: vec![("db".into(), "::1".into())],
        shm_size: Some(64 << 20),
        ulimits: vec![Ulimit {
            name: "nofile".into(),
            soft: 1,
            hard: 2,
        }],
        entitlements: vec!["security.insecure".into()],
        attestations: IndexMap::from([
            ("provenance".into(), "mode=max".into()),
            ("sbom".into(), String::new()),
        ]),
        ..spec()
    };
    assert_eq!(
        typed(&spec, &[]).expect("a command"),
        "buildx build --builder mine --progress=rawjson --load --target prod --label 'a.b=c d' \
         --platform linux/amd64,linux/arm64 --no-cache-filter deps --pull --network none \
         --add-host db=::1 --shm-size 67108864 --ulimit nofile=1:2 --allow security.insecure \
         --attest type=provenance,mode=max --attest type=sbom --file x/Dockerfile \
         https://example.org/a.git"
    );
}

/// What becomes of one build argument: the variables and the words.
fn arg(name: &str, value: &str, environment: &[(&str, &str)]) -> Result<String, Class> {
    let spec = BuildSpec {
        args: IndexMap::from([(name.into(), ArgValue::new(name, value))]),
        ..spec()
    };
    let told = typed(&spec, environment).map_err(|failure| failure.class)?;
    let (variables, rest) = told.split_once("buildx build").expect("a command");
    let words = rest.split_once("--build-arg ").map_or("", |(_, rest)| {
        rest.split_once(" --file").expect("a file").0
    });
    Ok(format!("{variables}{words}"))
}

#[test]
fn secrets_and_agents_are_named_and_not_shown() {
    let variable = SecretValue::Variable {
        name: "TOKEN".into(),
        value: Secret::new("hush"),
    };
    let spec = BuildSpec {
        secrets: IndexMap::from([
            ("file".into(), SecretValue::File("/s/a,b".into())),
            ("token".into(), variable),
        ]),
        ssh: IndexMap::from([
            ("default".into(), SshAgent::Socket("/run/agent".into())),
            (
                "git".into(),
                SshAgent::Keys(vec!["/k/a".into(), "/k/b".into()]),
            ),
        ]),
        contexts: IndexMap::from([
            ("src".into(), NamedContext::Directory("/other".into())),
            (
                "base".into(),
                NamedContext::Image("docker.io/library/a:1".into()),
            ),
        ]),
        ..spec()
    };
    let told = typed(&spec, &[]).expect("a command");
    for words in [
        "DCB_BUILD_SECRET_1='***' buildx",
        "--build-context src=/other --build-context base=docker-image://docker.io/library/a:1",
        r#"--secret 'id=file,"src=/s/a,b"' --secret id=token,env=DCB_BUILD_SECRET_1"#,
        "--ssh default=/run/agent --ssh git=/k/a,/k/b",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(!told.contains("hush"));
}

#[test]
fn a_password_in_an_address_is_refused() {
    let address = "https://me:hush@example.org/a.git".to_owned();
    let context = BuildSpec {
        context: ContextSource::Remote(address.clone()),
        ..spec()
    };
    let named = BuildSpec {
        contexts: IndexMap::from([("a".into(), NamedContext::Remote(address))]),
        ..spec()
    };
    for spec in [context, named] {
        let failure = typed(&spec, &[]).expect_err("a refusal");
        assert_eq!(failure.class, Class::Unsupported);
        assert!(!failure.message.contains("hush"));
    }
}

#[test]
fn values_of_arguments_go_through_the_environment() {
    assert_eq!(
        arg("VERSION", "1 2", &[]).as_deref(),
        Ok("VERSION='1 2' VERSION")
    );
    assert_eq!(arg("a.b", "", &[]).as_deref(), Ok("a.b='' a.b"));
    assert_eq!(
        arg("NPM_TOKEN", "abc", &[]).as_deref(),
        Ok("NPM_TOKEN='***' NPM_TOKEN")
    );
}

#[test]
fn a_variable_that_buildx_acts_on_is_left_as_it_is() {
    assert_eq!(arg("DOCKER_HOST", "x", &[]).as_deref(), Ok("DOCKER_HOST=x"));
    assert_eq!(
        arg("http_proxy", "http://p", &[]).as_deref(),
        Ok("http_proxy=http://p")
    );
    assert_eq!(
        arg("PATH", "/bin", &[("PATH", "/bin")]).as_deref(),
        Ok("PATH")
    );
    let key = "AWS_SECRET_ACCESS_KEY";
    assert_eq!(arg(key, "abc", &[]), Err(Class::Unsupported));
    assert_eq!(arg(key, "abc", &[(key, "abc")]).as_deref(), Ok(key));
}

#[test]
fn the_proxies_of_the_docker_configuration_are_buildxs_own_to_add() {
    assert_eq!(
        arg("HTTP_PROXY", "http://u:p@proxy", &[]).as_deref(),
        Ok("")
    );
    assert_eq!(
        arg("HTTP_PROXY", "http://u:p@other", &[]),
        Err(Class::Unsupported)
    );
}

#[test]
fn a_dockerfile_that_is_no_file_becomes_one() {
    let inline = BuildSpec {
        dockerfile: DockerfileSource::Inline("FROM a".into()),
        ..spec()
    };
    let told = typed(&inline, &[]).expect("a command");
    assert!(told.ends_with("--file <private>/Dockerfile /src"), "{told}");
}
