use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::*;
use crate::human;

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

/// Puts a blob into a layout.
fn blob(root: &Path, content: &str) -> Digest {
    let hex = human::hex(&Sha256::digest(content));
    std::fs::write(root.join("blobs/sha256").join(&hex), content).expect("a blob");
    Digest::parse(&format!("sha256:{hex}")).expect("a digest")
}

/// A manifest of one layer.
fn manifest(root: &Path, layer: &str) -> (Digest, Digest) {
    let digest = blob(root, layer);
    let text = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "layers": [{ "digest": digest.to_string(), "size": layer.len() }],
    });
    (blob(root, &text.to_string()), digest)
}

#[test]
fn what_is_put_under_a_tag_is_found_under_it() {
    let directory = directory();
    let layout = Layout::create(directory.path()).expect("a layout");
    assert_eq!(layout.tagged("latest"), Err(Unreadable::Missing));
    let (one, _) = manifest(directory.path(), "one");
    let (two, _) = manifest(directory.path(), "two");
    layout.put("latest", &one).expect("put");
    layout.put("other", &one).expect("put");
    layout.put("latest", &two).expect("put");
    assert_eq!(layout.tagged("latest"), Ok(two));
    assert_eq!(layout.tagged("other"), Ok(one));
    assert_eq!(layout.tagged("none"), Err(Unreadable::NoTag));
    let text = std::fs::read_to_string(directory.path().join("oci-layout")).expect("a file");
    assert_eq!(text, r#"{"imageLayoutVersion":"1.0.0"}"#);
}

#[test]
fn what_nothing_refers_to_is_removed_unless_somebody_else_is_there() {
    let directory = directory();
    let layout = Layout::create(directory.path()).expect("a layout");
    let (one, first) = manifest(directory.path(), "one");
    layout.put("latest", &one).expect("put");
    let (two, second) = manifest(directory.path(), "two");
    layout.put("latest", &two).expect("put");
    std::fs::write(directory.path().join("blobs/sha256/README"), "mine").expect("a file");

    let other = Layout::open(directory.path());
    assert_eq!(layout.sweep(), 0);
    assert!(layout.blobs().size(&first).is_ok());
    drop(other);

    assert!(layout.sweep() > 0);
    assert!(layout.blobs().size(&first).is_err());
    assert!(layout.blobs().size(&one).is_err());
    assert!(layout.blobs().size(&second).is_ok());
    assert!(directory.path().join("blobs/sha256/README").exists());
    assert_eq!(
        layout.sweep(),
        0,
        "the lock is free again for a second time"
    );
}

#[test]
fn nothing_is_removed_when_it_cannot_be_told_what_is_needed() {
    let directory = directory();
    let layout = Layout::create(directory.path()).expect("a layout");
    let (one, _) = manifest(directory.path(), "one");
    layout.put("latest", &one).expect("put");
    let stray = blob(directory.path(), "stray");
    std::fs::write(layout.blobs().path(&one), "{").expect("a file");
    assert_eq!(layout.sweep(), 0);
    assert!(layout.blobs().size(&stray).is_ok());
    std::fs::write(directory.path().join(INDEX), "{").expect("a file");
    assert_eq!(layout.sweep(), 0);
}

fn damaged(result: Result<(), Unreadable>) -> String {
    match result {
        Err(Unreadable::Damaged(why)) => why,
        other => panic!("not damaged: {other:?}"),
    }
}

#[test]
fn damage_of_every_kind_is_found() {
    let directory = directory();
    let layout = Layout::create(directory.path()).expect("a layout");
    let (root, layer) = manifest(directory.path(), "content");
    layout.put("latest", &root).expect("put");
    let path = layout.blobs().path(&layer);
    assert_eq!(layout.check(&root), Ok(()));
    let later = SystemTime::now() + std::time::Duration::from_secs(60);
    let write = |text: &str| {
        std::fs::write(&path, text).expect("a file");
        let file = File::options().write(true).open(&path).expect("a file");
        file.set_modified(later).expect("a time");
    };
    write("CONTENT");
    assert!(damaged(layout.check(&root)).contains("holds something else"));
    write("con");
    assert!(damaged(layout.check(&root)).contains("missing or cut off"));
    std::fs::remove_file(&path).expect("removed");
    assert!(damaged(layout.check(&root)).contains("missing or cut off"));
    std::fs::write(layout.blobs().path(&root), "{}").expect("a file");
    assert!(damaged(layout.check(&root)).contains("is not sound"));
    for (text, why) in [("{", "is no JSON"), (r#"{"manifests": 1}"#, "has no list")] {
        std::fs::write(directory.path().join(INDEX), text).expect("a file");
        let found = layout.tagged("latest").map(drop);
        assert!(damaged(found).contains(why));
    }
}

#[test]
fn what_was_found_sound_is_not_read_again() {
    let directory = directory();
    let layout = Layout::create(directory.path()).expect("a layout");
    let (root, layer) = manifest(directory.path(), "content");
    assert_eq!(layout.check(&root), Ok(()));
    let path = layout.blobs().path(&layer);
    let written = layout.blobs().written(&layer).expect("a time");
    std::fs::write(&path, "CONTENT").expect("a file");
    let file = File::options().write(true).open(&path).expect("a file");
    file.set_modified(written).expect("a time");
    assert_eq!(
        layout.check(&root),
        Ok(()),
        "only its time says that it changed"
    );
    let (other, _) = manifest(directory.path(), "other");
    layout.check(&other).expect("sound");
    assert!(damaged(layout.check(&root)).contains("holds something else"));
}

#[test]
fn a_damaged_layout_is_set_aside() {
    let parent = directory();
    let root = parent.path().join("cache");
    let layout = Layout::create(&root).expect("a layout");
    let (one, _) = manifest(&root, "one");
    layout.put("latest", &one).expect("put");
    let aside = layout.set_aside().expect("renamed");
    assert!(!root.exists());
    assert!(aside.join("index.json").exists());
    let name = aside
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    assert!(name.starts_with("cache.corrupt-"), "{name}");
}

#[test]
fn what_may_not_be_read_is_not_taken_for_damaged() {
    use io::ErrorKind;
    let told = |kind: ErrorKind| unreadable(&kind.into());
    assert_eq!(told(ErrorKind::NotFound), Unreadable::Missing);
    assert!(matches!(
        told(ErrorKind::PermissionDenied),
        Unreadable::Refused(_)
    ));
    assert!(matches!(
        told(ErrorKind::IsADirectory),
        Unreadable::Damaged(_)
    ));
}
