use proptest::prelude::*;

use super::*;

fn one(key: CacheKey, text: &str) -> CacheEntry {
    let mut entries = CacheEntry::parse(key, text).expect("an entry");
    assert_eq!(entries.len(), 1, "{text}");
    entries.remove(0)
}

fn mistake(key: CacheKey, text: &str) -> String {
    CacheEntry::parse(key, text).expect_err("a mistake").message
}

#[test]
fn a_bare_reference_is_a_cache_in_a_registry() {
    let entry = one(CacheKey::From, "registry.example.org/web:cache");
    assert_eq!(entry.kind, CacheKind::Registry);
    assert_eq!(entry.reference(), Some("registry.example.org/web:cache"));
    assert_eq!(
        one(
            CacheKey::From,
            "type=registry,ref=registry.example.org/web:cache"
        ),
        entry
    );
    let several = CacheEntry::parse(CacheKey::From, "web:one,web:two").expect("entries");
    let references: Vec<_> = several.iter().filter_map(CacheEntry::reference).collect();
    assert_eq!(references, ["web:one", "web:two"]);
}

#[test]
fn fields_are_read_as_buildx_reads_them() {
    let entry = one(CacheKey::To, r#"TYPE=local,"Dest=a,b ""c""",Mode=max"#);
    assert_eq!(entry.kind, CacheKind::Local);
    assert_eq!(entry.directory(), Some(Path::new("a,b \"c\"")));
    assert_eq!(entry.attribute("mode"), Some("max"));
}

#[test]
fn what_is_wrong_is_told() {
    for (key, text, why) in [
        (CacheKey::To, "ref=x", "has no `type`"),
        (
            CacheKey::To,
            "type=locl,dest=x",
            "is of the unknown kind `locl`",
        ),
        (CacheKey::To, "type=local,src=x", "needs `dest=`"),
        (CacheKey::From, "type=local,dest=x", "needs `src=`"),
        (CacheKey::From, "type=registry", "needs `ref=`"),
        (CacheKey::To, "type=registry,ref=a b", "names no image: "),
        (CacheKey::From, "good,Bad/", "names no image: "),
        (CacheKey::From, "type=inline", "type=registry,ref=IMAGE"),
        (CacheKey::To, "type=local,dest=x,mode=most", "`mode=most`"),
        (
            CacheKey::To,
            "type=gha,ignore-error=yes",
            "`ignore-error=yes`",
        ),
        (
            CacheKey::To,
            "type=local,dest=x,max",
            "has `max`, which is no NAME=VALUE",
        ),
        (CacheKey::To, "\"type=local", "a quote is not closed"),
        (
            CacheKey::To,
            "type=\"local\"",
            "a quote stands within a field",
        ),
        (
            CacheKey::To,
            "\"type=local\"x",
            "text follows a closing quote",
        ),
    ] {
        let told = mistake(key, text);
        assert!(told.contains(why), "{text}: {told}");
    }
}

#[test]
fn a_directory_is_named_from_the_root_on() {
    let mut entry = one(CacheKey::To, "type=local,dest=./cache/web");
    entry.rebase(Path::new("/src"));
    assert_eq!(entry.directory(), Some(Path::new("/src/cache/web")));
    let mut entry = one(CacheKey::From, "type=local,src=/var/cache");
    entry.rebase(Path::new("/src"));
    assert_eq!(entry.directory(), Some(Path::new("/var/cache")));
}

fn completed(text: &str, variables: &[(&str, &str)]) -> (CacheEntry, bool) {
    let values: IndexMap<&str, ArgValue> = variables
        .iter()
        .map(|(name, value)| (*name, ArgValue::new(name, *value)))
        .collect();
    let mut entry = one(CacheKey::To, text);
    let complete = entry.complete(|name| values.get(name)).is_ok();
    (entry, complete)
}

#[test]
fn the_cache_of_github_takes_address_and_token_from_the_environment() {
    assert!(!completed("type=gha", &[]).1);
    assert!(!completed("type=gha", &[("ACTIONS_RUNTIME_TOKEN", "t0ken")]).1);
    let first = [
        ("ACTIONS_RUNTIME_TOKEN", "t0ken"),
        ("ACTIONS_CACHE_URL", "https://one/"),
    ];
    let (entry, complete) = completed("type=gha,mode=max", &first);
    assert!(complete);
    assert_eq!(entry.attribute("token"), Some("t0ken"));
    assert_eq!(entry.attribute("url"), Some("https://one/"));
    assert_eq!(entry.attribute("url_v2"), None);
    let second = [
        ("ACTIONS_RUNTIME_TOKEN", "t0ken"),
        ("ACTIONS_RESULTS_URL", "https://two/"),
        ("ACTIONS_CACHE_SERVICE_V2", "true"),
    ];
    let (entry, complete) = completed("type=gha", &second);
    assert!(complete);
    assert_eq!(entry.attribute("url"), Some("https://two/"));
    assert_eq!(entry.attribute("url_v2"), Some("https://two/"));
    let (entry, _) = completed("type=gha,token=own,url=u", &second);
    assert_eq!(entry.attribute("token"), Some("own"));
    assert_eq!(entry.attribute("url"), Some("u"));
}

#[test]
fn what_is_secret_never_shows() {
    let variables = [
        ("ACTIONS_RUNTIME_TOKEN", "hunter2"),
        ("ACTIONS_CACHE_URL", "https://one/"),
        ("AWS_ACCESS_KEY_ID", "hunter2"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2"),
        ("AWS_SESSION_TOKEN", "hunter2"),
    ];
    for text in [
        "type=gha",
        "type=s3,bucket=b,region=r",
        "type=azblob,account_url=u,secret_access_key=hunter2",
    ] {
        let (entry, _) = completed(text, &variables);
        assert!(!format!("{entry} {entry:?}").contains("hunter2"), "{text}");
        let revealed: Vec<_> = entry.attributes.values().map(ArgValue::reveal).collect();
        assert!(revealed.contains(&"hunter2"), "{text}");
    }
}

/// A field as it may be written: quoted where it has to be.
fn quoted(field: &str) -> String {
    if field.contains([',', '"']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

proptest! {
    #[test]
    fn fields_that_are_written_are_read_again(written in prop::collection::vec("[^\n\r]{0,12}", 1..6)) {
        let text: Vec<_> = written.iter().map(|field| quoted(field)).collect();
        prop_assert_eq!(fields(&text.join(",")), Ok(written));
    }

    #[test]
    fn any_text_is_an_entry_or_a_mistake(text in "\\PC{0,40}") {
        for key in [CacheKey::From, CacheKey::To] {
            if let Ok(entries) = CacheEntry::parse(key, &text) {
                for entry in entries {
                    let _ = entry.to_string();
                    prop_assert!(!entry.attributes.contains_key("type"));
                }
            }
        }
    }

    #[test]
    fn every_attribute_is_kept(
        names in prop::collection::hash_set("[a-z][a-z_-]{0,8}", 0..5),
        value in "[a-zA-Z0-9,\"= /.-]{0,10}",
    ) {
        let known = ["type", "mode", "compression", "dest"];
        let names: Vec<_> = names.iter().filter(|name| !known.contains(&name.as_str())).collect();
        let mut text = "type=local,dest=x".to_owned();
        for name in &names {
            text.push(',');
            text.push_str(&quoted(&format!("{name}={value}")));
        }
        let entry = one(CacheKey::To, &text);
        prop_assert_eq!(entry.attributes.len(), names.len() + 1);
        for name in names {
            prop_assert_eq!(entry.attribute(name), Some(value.as_str()));
        }
    }
}
