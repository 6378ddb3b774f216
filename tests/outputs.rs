//! `dcb build --output`: what is written is what the image holds, and nothing else is touched.

mod support;

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use sha2::{Digest, Sha256};
use support::{Engine, Project, engines, on_engines, on_every_engine, podman};

/// Entries of a file tree by path: kind, mode and what it holds; and its time in seconds, where that
/// tells something.
type Entries = BTreeMap<String, (String, u64)>;

fn file(mode: u32, content: &[u8]) -> String {
    format!("file {mode:o} of {:02x?}", Sha256::digest(content))
}

/// What a container has beyond its image.
fn is_of_the_container(path: &str) -> bool {
    path == ".dockerenv"
        || ["dev", "proc", "sys", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab"]
            .iter()
            .any(|own| path == *own || path.strip_prefix(own).is_some_and(|p| p.starts_with('/')))
        // Its time is that of the container.
        || matches!(path, "" | "." | "etc")
}

/// The entries of an archive; a further name of a file tells the same as its first.
fn of_archive(archive: impl Read) -> Entries {
    let mut entries = Entries::new();
    let mut archive = tar::Archive::new(archive);
    for entry in archive.entries().expect("an archive") {
        let mut entry = entry.expect("an entry");
        let header = entry.header();
        let path = entry.path().expect("a path");
        let path = path.to_str().expect("text").trim_start_matches("./");
        let path = path.trim_end_matches('/').to_owned();
        let mode = header.mode().expect("a mode") & 0o7777;
        let time = header.mtime().expect("a time");
        let kind = header.entry_type();
        let link = entry.link_name().expect("a link").map(|link| {
            let link = link.to_str().expect("text");
            link.trim_start_matches("./")
                .trim_start_matches('/')
                .to_owned()
        });
        let what = if kind.is_dir() {
            (format!("directory {mode:o}"), time)
        } else if kind.is_fifo() {
            (format!("pipe {mode:o}"), time)
        } else if kind.is_symlink() {
            let target = entry.link_name().expect("a link").expect("a target");
            (format!("-> {}", target.display()), 0)
        } else if kind.is_hard_link() {
            entries[&link.expect("a target")].clone()
        } else {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).expect("content");
            (file(mode, &content), time)
        };
        entries.insert(path, what);
    }
    entries.retain(|path, _| !is_of_the_container(path));
    entries
}

/// The entries of a directory.
fn of_directory(root: &Path) -> Entries {
    fn below(root: &Path, directory: &Path, entries: &mut Entries) {
        for entry in std::fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            let metadata = path.symlink_metadata().expect("metadata");
            let mode = metadata.mode() & 0o7777;
            let time = u64::try_from(metadata.mtime()).expect("after 1970");
            let what = if metadata.is_dir() {
                below(root, &path, entries);
                (format!("directory {mode:o}"), time)
            } else if metadata.is_symlink() {
                let target = std::fs::read_link(&path).expect("a link");
                (format!("-> {}", target.display()), 0)
            } else if metadata.file_type().is_fifo() {
                (format!("pipe {mode:o}"), time)
            } else {
                let content = std::fs::read(&path).expect("content");
                (file(mode, &content), time)
            };
            let name = path.strip_prefix(root).expect("below");
            entries.insert(name.to_str().expect("text").to_owned(), what);
        }
    }
    let mut entries = Entries::new();
    below(root, root, &mut entries);
    entries.retain(|path, _| !is_of_the_container(path));
    entries
}

/// The entries of an image, by the engine's own export of a container.
fn of_image(engine: &Engine, image: &str) -> Entries {
    of_archive(&engine.export(image)[..])
}

/// A project whose image has a bit of everything.
fn everything(project: Project) -> Project {
    project
        .file("compose.yaml", "services:\n  web:\n    build: .\n")
        .file(
            "Dockerfile",
            "FROM busybox\nCOPY tree /tree\n\
             RUN cd /tree && ln -s /nowhere dangling && ln plain twin && ln -s deep shortcut \
             && mkdir -p closed 'with space' && touch closed/x empty && chmod 4711 plain \
             && chmod 1777 'with space' && mkfifo pipe && touch -t 200109090146.40 plain && chmod 500 closed\n",
        )
        .file("tree/plain", "plain")
        .file("tree/deep/er/ünïcode", "x")
        .file("tree/large", &"0123456789abcdef".repeat(100_000))
}

/// Compares what was written with what the image holds, each named where they differ.
#[track_caller]
fn assert_same(written: &Entries, image: &Entries) {
    assert!(image.len() > 20, "{image:?}");
    for (path, (what, time)) in image {
        let (found, at) = written.get(path).unwrap_or_else(|| panic!("no `{path}`"));
        assert_eq!(found, what, "`{path}`");
        // An archive has the nearest second or the one before.
        assert!(at.abs_diff(*time) <= 1, "`{path}`: {at}, not {time}");
    }
    let more: Vec<&String> = written
        .keys()
        .filter(|path| !image.contains_key(*path))
        .collect();
    assert!(more.is_empty(), "{more:?}");
}

/// Whether the engine has an image of a service.
fn has_image(project: &Project, engine: &Engine, service: &str) -> bool {
    engine.has_image(&project.image(engine, service))
}

#[test]
fn a_directory_and_an_archive_hold_what_the_image_holds() {
    on_every_engine("same", |engine, project| {
        let project = everything(project);
        let ran = project.run(engine, &["build", "--output", "out"]).expect(0);
        let place = format!("local to {}", project.path().join("out").display());
        assert!(ran.stderr.contains(&place), "{}", ran.told());
        assert!(!has_image(&project, engine, "web"), "nothing is tagged");
        project
            .run(engine, &["build", "-o", "type=tar,dest=out.tar"])
            .expect(0);
        let mut command = project.dcb_on(engine);
        let piped = command
            .args(["build", "--quiet", "-o", "-"])
            .stderr(Stdio::inherit())
            .output()
            .expect("dcb runs");
        assert!(piped.status.success());
        assert!(!has_image(&project, engine, "web"), "nothing is tagged");

        project.run(engine, &["build"]).expect(0);
        let image = of_image(engine, &project.image(engine, "web"));
        assert!(image.contains_key("tree/shortcut") && image.contains_key("tree/pipe"));
        let file = std::fs::File::open(project.path().join("out.tar")).expect("a file");
        assert_same(&of_archive(file), &image);
        assert_same(&of_archive(&piped.stdout[..]), &image);
        let out = project.path().join("out");
        assert_same(&of_directory(&out), &image);
        let number = |name: &str| out.join(name).metadata().expect("metadata").ino();
        assert_eq!(number("tree/plain"), number("tree/twin"), "one file still");
        let left = std::fs::read_dir(project.path()).expect("a directory");
        let left = left.filter(|entry| {
            let name = entry.as_ref().expect("an entry").file_name();
            name.to_string_lossy().starts_with(".dcb-")
        });
        assert_eq!(left.count(), 0, "no temporary file is left");
    });
}

#[test]
fn what_is_there_is_replaced_and_the_rest_stays() {
    on_every_engine("replaced", |engine, project| {
        let project = project
            .file("compose.yaml", "services:\n  web:\n    build: .\n")
            .file("Dockerfile", "FROM scratch\nCOPY a b /\n")
            .file("a", "first")
            .file("b", "b")
            .file("out/mine", "mine")
            .file("out/b/deep", "not a file yet");
        project.run(engine, &["build", "-o", "out"]).expect(0);
        project.write("a", "second");
        project.run(engine, &["build", "-o", "out"]).expect(0);
        let read = |name: &str| {
            std::fs::read_to_string(project.path().join("out").join(name)).expect("a file")
        };
        assert_eq!(
            [read("a"), read("b"), read("mine")],
            ["second", "b", "mine"]
        );
    });
}

#[test]
fn several_services_have_a_directory_each_and_what_they_begin_with_stays_in_the_engine() {
    on_every_engine("several", |engine, project| {
        let service = |name: &str, from: &str| {
            format!(
                "  {name}:\n    image: {}/{name}:1\n    build:\n      context: .\n      \
                 dockerfile_inline: |\n        FROM {from}\n        COPY {name} /{name}\n",
                project.name()
            )
        };
        let base = format!("{}/base:1", project.name());
        let compose = format!(
            "services:\n{}{}{}",
            service("base", "scratch"),
            service("one", &base),
            service("two", &base)
        );
        let project = project.file("compose.yaml", &compose);
        for name in ["base", "one", "two"] {
            project.write(name, name);
        }
        let has = |name: &str| engine.has_image(&format!("{}/{name}:1", project.name()));
        let read = |path: &str| std::fs::read_to_string(project.path().join(path)).expect(path);

        project
            .run(engine, &["build", "-o", "out", "one", "two"])
            .expect(0);
        for (path, content) in [
            ("out/one/base", "base"),
            ("out/one/one", "one"),
            ("out/two/base", "base"),
            ("out/two/two", "two"),
        ] {
            assert_eq!(read(path), content);
        }
        assert!(
            !project.path().join("out/base").exists(),
            "it was not asked for"
        );
        assert!(has("base") && !has("one") && !has("two"));

        project
            .run(engine, &["build", "-o", "alone", "one"])
            .expect(0);
        assert_eq!(read("alone/one"), "one");
        // Asked for and begun with: both.
        project.run(engine, &["build", "-o", "all"]).expect(0);
        assert_eq!(read("all/base/base"), "base");
        assert_eq!(read("all/one/one"), "one");

        let refused = project.run(engine, &["build", "-o", "type=tar,dest=out.tar"]);
        refused.expect(2).telling(&[
            "--output names one place, and the results are several: `base`, `one` and `two`",
            "{service}.tar",
        ]);
        let file = "type=tar,dest=t/{service}.tar";
        project
            .run(engine, &["build", "-o", file, "one", "two"])
            .expect(0);
        let archive = std::fs::File::open(project.path().join("t/two.tar")).expect("a file");
        assert!(of_archive(archive).contains_key("two"));
    });
}

#[test]
fn an_image_in_a_file_needs_images_in_containerd() {
    on_every_engine("image", |engine, project| {
        let project = project
            .file("compose.yaml", "services:\n  web:\n    build: .\n")
            .file("Dockerfile", "FROM scratch\nCOPY a /\n")
            .file("a", "a");
        for (form, file, words) in [
            ("oci", "index.json", "org.opencontainers.image.ref.name"),
            ("docker", "manifest.json", "RepoTags"),
        ] {
            let output = format!("type={form},dest={form}.tar");
            let ran = project.run(engine, &["build", "-o", &output]);
            if !engine.has_containerd_store() {
                ran.expect(2).telling(&[
                    &format!("error: `--output` (type={form}) of service `web` needs images in containerd"),
                    "= help: ",
                ]);
                continue;
            }
            ran.expect(0);
            let path = project.path().join(format!("{form}.tar"));
            let mut archive = tar::Archive::new(std::fs::File::open(path).expect("a file"));
            let mut text = String::new();
            archive
                .entries()
                .expect("an archive")
                .map(|entry| entry.expect("an entry"))
                .find(|entry| entry.path().expect("a path").ends_with(file))
                .expect(file)
                .read_to_string(&mut text)
                .expect("text");
            assert!(text.contains(words), "{text}");
            assert!(text.contains(&project.image(engine, "web")), "{text}");
        }
    });
}

#[test]
fn builders_without_it_are_refused_by_name() {
    let project = |project: Project| {
        project
            .file("compose.yaml", "services:\n  web:\n    build: .\n")
            .file("Dockerfile", "FROM busybox\n")
    };
    on_engines(
        &podman().into_iter().collect::<Vec<_>>(),
        "podman",
        |engine, own| {
            let project = project(own);
            let ran = project.run(engine, &["build", "-o", "out"]).expect(2);
            ran.telling(&[
                "`--output` (type=local) of service `web` is more than this builder can do",
            ]);
        },
    );
    on_every_engine("classic", |engine, own| {
        let project = project(own);
        let arguments = ["build", "--force-traditional", "-o", "type=tar,dest=x"];
        let ran = project.run(engine, &arguments).expect(2);
        ran.telling(&["`--output` (type=tar) of service `web` is more than this builder can do"]);
        assert!(!project.path().join("x").exists());
    });
}

#[test]
fn the_plan_tells_where_results_go() {
    let project = Project::new("plan")
        .file("compose.yaml", "services:\n  web:\n    build: .\n")
        .file("Dockerfile", "FROM busybox\n");
    let ran = project
        .run_alone(&["build", "--dry-run", "-o", "out"])
        .expect(0);
    ran.telling(&["  output      local to <dir>/out\n"]);
    project
        .run_alone(&["build", "-o", "out", "--push"])
        .expect(2)
        .telling(&["'--output <DEST>' cannot be used with '--push'"]);
    let both = ["--progress", "json", "build", "-o", "-"];
    let ran = project.run_alone(&both).expect(2);
    ran.telling(&["would both write to standard output"]);
}

#[test]
fn what_cannot_be_written_is_told_as_such() {
    for engine in engines() {
        let project = Project::new("unwritten")
            .file("compose.yaml", "services:\n  web:\n    build: .\n")
            .file("Dockerfile", "FROM scratch\nCOPY large /\n")
            .file("large", &"x".repeat(8 << 20));
        for (output, words) in [
            (
                "type=tar,dest=/dev/full",
                "failed to write the result to /dev/full: No space left on device",
            ),
            (
                "/proc/nothing/out",
                "failed to write the result to /proc/nothing/out: ",
            ),
        ] {
            let ran = project.run(&engine, &["build", "-o", output]).expect(6);
            ran.telling(&[words, "output-failed"]);
        }
    }
}

#[test]
fn a_full_disk_ends_the_build_and_leaves_no_part_of_a_file() {
    on_every_engine("full", |engine, project| {
        let project = project
            .file("compose.yaml", "services:\n  web:\n    build: .\n")
            .file("Dockerfile", "FROM scratch\nCOPY small large /\n")
            .file("small", "small")
            .file("large", &"x".repeat(8 << 20));
        let place = project.path().join("out");
        std::fs::create_dir(&place).expect("a directory");
        // A disk of this process's own, which ends with it; what it holds is told before.
        let script = "mount -t tmpfs -o size=1m tmpfs out && \"$0\" build -o out; code=$?; ls -A out; exit $code";
        let mut command = engine.other("unshare");
        command
            .args(["--mount", "sh", "-c", script, env!("CARGO_BIN_EXE_dcb")])
            .current_dir(project.path())
            .env("COMPOSE_PROJECT_NAME", project.name());
        let ran = project.ran(&mut command).expect(6);
        let ran = ran.telling(&["`large`: No space left on device", "output-failed"]);
        assert_eq!(ran.stdout.replace("small\n", ""), "", "{}", ran.told());
    });
}

#[test]
fn an_interrupted_build_leaves_nothing_half_written() {
    on_every_engine("interrupted", |engine, project| {
        let project = project
            .file("compose.yaml", "services:\n  web:\n    build: .\n")
            .file(
                "Dockerfile",
                // Much to send: it is not over before the signal.
                "FROM busybox\nRUN dd if=/dev/zero of=/large bs=1M count=600 2>/dev/null\n",
            );
        for (output, there) in [
            ("out", false),
            ("type=tar,dest=out.tar", false),
            ("here", true),
        ] {
            if there {
                std::fs::create_dir(project.path().join("here")).expect("a directory");
            }
            let before = names(project.path());
            let mut command = project.dcb_on(engine);
            let running = project.start(command.args(["build", "--verbose", "-o", output]));
            let is_written = || {
                let here = project.path().join("here");
                let places = [project.path().to_owned(), here];
                let mut names = places
                    .iter()
                    .filter(|place| place.is_dir())
                    .flat_map(|p| names(p));
                names.any(|name| name.starts_with(".dcb-"))
            };
            support::until(
                "the result to be written",
                Duration::from_secs(60),
                is_written,
            );
            running.signal(Signal::INT);
            let ran = running.end(Duration::from_secs(20));
            assert_eq!(ran.signal, Some(Signal::INT.as_raw()), "{}", ran.told());
            assert_eq!(names(project.path()), before, "{output}");
            if there {
                let left = names(&project.path().join("here"));
                assert!(
                    !left
                        .iter()
                        .any(|name| name.starts_with(".dcb-") || name == "large"),
                    "{left:?}"
                );
            }
        }
    });
}

/// The names in a directory.
fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}
