//! A project that nothing else knows of, and what is left of it on engines.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use tempfile::TempDir;

use super::command::{PATIENCE, Ran, Running, hermetic};
use super::engine::{CONTAINERD, Engine, PODMAN, PRIVATE};
use super::private::unique;
use super::told::Redactions;

/// A project in a directory of its own, under a name of its own.
pub struct Project {
    directory: TempDir,
    home: TempDir,
    name: String,
    variables: BTreeMap<String, String>,
    /// Where it may have left images and containers.
    touched: Mutex<BTreeMap<String, Engine>>,
}

impl Project {
    /// An empty project called after the test.
    pub fn new(name: &str) -> Self {
        let temporary = |prefix| {
            tempfile::Builder::new()
                .prefix(prefix)
                .tempdir()
                .expect("a directory")
        };
        Self {
            directory: temporary("dcb-"),
            home: temporary("dcb-home-"),
            name: format!("t-{name}-{}", unique()),
            variables: BTreeMap::new(),
            touched: Mutex::default(),
        }
    }

    /// The same with one more file.
    #[must_use]
    pub fn file(self, path: &str, text: &str) -> Self {
        self.write(path, text);
        self
    }

    /// The same with one more variable in dcb's environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Writes a file into the project.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }

    /// Writes a file that no engine takes in before it or dcb is stopped. It is sparse and compresses
    /// to nothing, so it costs no disk.
    pub fn write_endless(&self, path: &str) {
        let file = std::fs::File::create(self.path().join(path)).expect("a file");
        file.set_len(64 << 30).expect("a sparse file");
    }

    /// The project's directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The home directory of the user who runs dcb in it.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The project's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of a service's image for the Compose that goes with `engine`.
    pub fn image(&self, engine: &Engine, service: &str) -> String {
        let separator = if engine.has_compose_v1() { '_' } else { '-' };
        format!("{}{separator}{service}", self.name)
    }

    /// What a file of a service's image holds.
    pub fn read(&self, engine: &Engine, service: &str, path: &str) -> String {
        engine.read(&self.image(engine, service), &[path])
    }

    /// dcb in this project without any engine, ready for arguments.
    pub fn dcb(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dcb"));
        hermetic(&mut command, self.home.path());
        command
            .current_dir(self.path())
            .env("COMPOSE_PROJECT_NAME", &self.name)
            .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
            .envs(&self.variables);
        command
    }

    /// dcb in this project on an engine, ready for arguments.
    pub fn dcb_on(&self, engine: &Engine) -> Command {
        let mut command = self.dcb();
        self.point(&mut command, engine);
        command
    }

    /// Another program in this project on an engine, such as `docker-compose`.
    pub fn other_on(&self, engine: &Engine, program: &str) -> Command {
        // Looked up in the engine's own programs: PATH of this process does not matter.
        let own = engine.bin.join(program);
        let mut command = Command::new(if own.exists() {
            own.as_path()
        } else {
            Path::new(program)
        });
        hermetic(&mut command, self.home.path());
        command
            .current_dir(self.path())
            .env("COMPOSE_PROJECT_NAME", &self.name);
        self.point(&mut command, engine);
        command
    }

    fn point(&self, command: &mut Command, engine: &Engine) {
        self.touched
            .lock()
            .expect("no panic")
            .insert(engine.host.clone(), engine.clone());
        engine.point(command);
        command.envs(&self.variables);
    }

    /// Runs dcb on an engine.
    pub fn run(&self, engine: &Engine, arguments: &[&str]) -> Ran {
        self.ran(self.dcb_on(engine).args(arguments))
    }

    /// Runs dcb where there is no engine.
    pub fn run_alone(&self, arguments: &[&str]) -> Ran {
        self.ran(self.dcb().args(arguments))
    }

    /// Runs a command of this project to its end.
    pub fn ran(&self, command: &mut Command) -> Ran {
        self.start(command).end(PATIENCE)
    }

    /// Starts a command of this project.
    pub fn start(&self, command: &mut Command) -> Running {
        Running::start(command, self.redactions())
    }

    /// What differs from run to run in the texts about this project.
    pub fn redactions(&self) -> Redactions {
        let mut redactions = Redactions::default();
        redactions.add(self.path().display(), "<dir>");
        redactions.add(self.home.path().display(), "<home>");
        redactions.add(&self.name, "<project>");
        for engine in self.touched.lock().expect("no panic").values() {
            redactions.add(&engine.host, "<engine>");
            redactions.add(&engine.version, "<version>");
        }
        redactions
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // What a private engine has goes with it, and it may be frozen or gone.
        let touched = self.touched.get_mut().expect("no panic").values();
        for engine in touched.filter(|engine| engine.suite != PRIVATE) {
            clean(engine, &self.name);
        }
    }
}

/// Removes what carries the label of a project. An engine that is gone keeps it. Two kinds of engine
/// keep the images, for they cannot build while others go: Podman looks through all of them and fails
/// with `layer not known`, and the classic builder on containerd's store loses the image of the step
/// before with `unable to find image`.
fn clean(engine: &Engine, project: &str) {
    let label = format!("com.docker.compose.project={project}");
    for (list, one, options) in [
        ("/containers/json?all=1&", "/containers", "?force=1&v=1"),
        ("/networks?", "/networks", ""),
        ("/images/json?", "/images", "?force=1"),
    ] {
        let kept = engine.suite == PODMAN || engine.suite == CONTAINERD;
        if kept && one == "/images" {
            continue;
        }
        let Some(found) = engine.list(list, "label", &label) else {
            return;
        };
        for id in found.iter().filter_map(|one| one["Id"].as_str()) {
            engine.call("DELETE", &format!("{one}/{id}{options}"), None);
        }
    }
}

/// Copies a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(&from, &to).expect("a copy");
        }
    }
}
