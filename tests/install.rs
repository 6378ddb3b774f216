//! `install.sh` with a program that is built already: what it installs, and that it takes all of that
//! and nothing else away again.

mod support;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use support::Ran;
use tempfile::TempDir;

/// The home of a user, whose name has a space.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let home = tempfile::Builder::new()
            .prefix("the home of")
            .suffix(" me")
            .tempdir();
        Self(home.expect("a directory"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// `install.sh` of the tree at `tree`, in that home.
    fn install_from(&self, tree: &Path, arguments: &[&str]) -> Ran {
        let output: Output = Command::new("/bin/sh")
            .arg(tree.join("install.sh"))
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("HOME", self.path())
            .env("SHELL", "/bin/bash")
            .env(
                "PATH",
                self.path().join("tools").display().to_string() + ":/usr/bin:/bin",
            )
            .output()
            .expect("a shell");
        Ran::of(&output)
    }

    /// That of this tree, with the program under test.
    fn install(&self, arguments: &[&str]) -> Ran {
        let tree = Path::new(env!("CARGO_MANIFEST_DIR"));
        let program = ["--binary", env!("CARGO_BIN_EXE_dcb")];
        self.install_from(tree, &[&program, arguments].concat())
    }

    fn uninstall(&self, arguments: &[&str]) -> Ran {
        let tree = Path::new(env!("CARGO_MANIFEST_DIR"));
        self.install_from(tree, &[arguments, &["--uninstall"]].concat())
    }

    /// Every file, link and directory below it.
    fn everything(&self) -> BTreeSet<PathBuf> {
        fn below(directory: &Path, found: &mut BTreeSet<PathBuf>) {
            for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
                if entry.file_type().expect("a type").is_dir() {
                    below(&entry.path(), found);
                }
                found.insert(entry.path());
            }
        }
        let mut found = BTreeSet::new();
        below(self.path(), &mut found);
        found
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("set");
    }
}

#[test]
fn all_that_is_installed_is_removed_again_and_nothing_else() {
    let home = Home::new();
    home.write(".local/bin/other", "#!/bin/sh\n");
    home.write(".docker/config.json", "{}");
    let before = home.everything();
    home.install(&["--plugin"])
        .expect(0)
        .telling(&["installed", "docker dcb", "is not on PATH"]);
    let after = home.everything();
    for path in [
        ".local/bin/dcb",
        ".local/share/bash-completion/completions/dcb",
        ".local/share/zsh/site-functions/_dcb",
        ".local/share/fish/vendor_completions.d/dcb.fish",
        ".local/share/man/man1/dcb-history-log.1",
        ".docker/cli-plugins/docker-dcb",
    ] {
        assert!(
            after.contains(&home.path().join(path)),
            "`{path}` is missing"
        );
    }
    let version = Command::new(home.path().join(".docker/cli-plugins/docker-dcb"))
        .args(["dcb", "--version"])
        .output()
        .expect("dcb");
    assert!(String::from_utf8_lossy(&version.stdout).starts_with("dcb "));

    // An update is the same again; what an older one had goes, and the link stays.
    home.write(".local/share/man/man1/dcb-old.1", "");
    let list = home.path().join(".local/share/dcb/installed");
    let old = home.path().join(".local/share/man/man1/dcb-old.1");
    let lines = std::fs::read_to_string(&list).expect("a list");
    std::fs::write(&list, format!("{lines}{}\n", old.display())).expect("written");
    home.install(&[]).expect(0);
    assert_eq!(home.everything(), after);
    assert_eq!(std::fs::read_to_string(&list).expect("a list"), lines);

    // What somebody else put beside it stays, and so does its directory.
    home.write(".local/share/man/man1/other.1", "");
    home.uninstall(&[]).expect(0).telling(&["removed"]);
    let left: Vec<_> = home.everything().difference(&before).cloned().collect();
    let share = home.path().join(".local/share");
    assert_eq!(
        left,
        [
            share.clone(),
            share.join("man"),
            share.join("man/man1"),
            share.join("man/man1/other.1")
        ]
    );
    assert!(home.everything().is_superset(&before));
    home.uninstall(&[]).expect(0).telling(&["is not there"]);
}

#[test]
fn another_place_is_made_where_it_is_not_there_and_is_gone_afterwards() {
    let home = Home::new();
    let before = home.everything();
    home.install(&["--prefix", "a place/of mine"]).expect(0);
    assert!(home.path().join("a place/of mine/bin/dcb").exists());
    home.uninstall(&["--prefix=a place/of mine"]).expect(0);
    assert_eq!(home.everything(), before);
}

#[test]
fn a_plugin_of_somebody_else_is_left_alone() {
    let home = Home::new();
    home.write(".docker/cli-plugins/docker-dcb", "#!/bin/sh\n");
    let before = home.everything();
    home.install(&["--plugin"])
        .expect(1)
        .telling(&["there is another", "docker-dcb"]);
    assert_eq!(home.everything(), before);
}

#[test]
fn mistakes_are_told_before_anything_is_done() {
    let home = Home::new();
    let before = home.everything();
    let tree = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (arguments, told) in [
        (&["--nonsense"][..], "unknown argument: --nonsense"),
        (&["--prefix"], "--prefix needs a directory"),
        (&["--prefix="], "--prefix needs a directory"),
        (
            &["--uninstall", "--plugin"],
            "--uninstall goes with --prefix only",
        ),
        (
            &["--uninstall", "--try"],
            "--uninstall goes with --prefix only",
        ),
    ] {
        home.install_from(tree, arguments)
            .expect(2)
            .telling(&[told]);
    }
    home.install_from(tree, &["--binary", "/bin/false"])
        .expect(1)
        .telling(&["is no dcb"]);
    assert_eq!(home.everything(), before);
}

/// A tree to build from, with a cargo that does what `cargo` says.
fn tree(home: &Home, cargo: &str) -> PathBuf {
    let tree = home.path().join("source of dcb");
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for directory in ["completions", "docs/man"] {
        std::fs::create_dir_all(tree.join(directory)).expect("made");
        for entry in here.join(directory).read_dir().expect("files").flatten() {
            std::fs::copy(entry.path(), tree.join(directory).join(entry.file_name()))
                .expect("copied");
        }
    }
    for file in ["install.sh", "Cargo.toml"] {
        std::fs::copy(here.join(file), tree.join(file)).expect("copied");
    }
    home.write("tools/cargo", &format!("#!/bin/sh\n{cargo}\n"));
    home.write("tools/cc", "#!/bin/sh\n");
    tree
}

#[test]
fn it_builds_with_cargo_and_says_what_stands_in_the_way() {
    let home = Home::new();
    let dcb = env!("CARGO_BIN_EXE_dcb");
    let builds = format!(
        "case $1 in --version) echo cargo 1.99.0 ;; build) mkdir -p \"$5/release\" && cp '{dcb}' \"$5/release/dcb\" ;; esac"
    );
    let source = tree(&home, &builds);
    home.install_from(&source, &[])
        .expect(0)
        .telling(&["installed"]);
    assert!(home.path().join(".local/bin/dcb").exists());

    for (cargo, told) in [
        (
            "case $1 in --version) echo cargo 1.70.0 ;; esac",
            "cargo 1.70 is too old",
        ),
        (
            "case $1 in --version) echo cargo 1.99.0 ;; *) exit 101 ;; esac",
            "without a network, install a program",
        ),
        (
            "case $1 in --version) echo cargo 1.99.0 ;; build) exit 101 ;; esac",
            "cargo says why above",
        ),
    ] {
        tree(&home, cargo);
        home.install_from(&source, &[]).expect(1).telling(&[told]);
    }
}

#[test]
fn the_archive_of_a_release_needs_no_cargo() {
    let home = Home::new();
    let release = tree(&home, "exit 1");
    std::fs::remove_file(release.join("Cargo.toml")).expect("removed");
    home.install_from(&release, &[])
        .expect(1)
        .telling(&["is no dcb that runs here"]);
    std::fs::copy(env!("CARGO_BIN_EXE_dcb"), release.join("dcb")).expect("copied");
    home.install_from(&release, &[]).expect(0);
    assert!(home.path().join(".local/bin/dcb").exists());
}
