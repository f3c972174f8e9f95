//! A container engine of the tests' own: its images, its network and its files are apart from any other engine of the machine,
//! it changes no firewall rule, and it is gone with the last test that uses it.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError, RwLock, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, geteuid, kill_process};

use crate::support::{have, until};

/// A `dockerd` and the client that talks to it.
pub struct Engine {
    daemon: Child,
    client: PathBuf,
    bridge: String,
    // Removed last, once nothing is mounted in it any more.
    dir: tempfile::TempDir,
}

/// Held by everyone who builds.
static BUILDS: RwLock<()> = RwLock::new(());

static SHARED: Mutex<Weak<Engine>> = Mutex::new(Weak::new());

impl Engine {
    /// The engine of the tests that run now, or nothing, having said why.
    pub fn shared() -> Option<Arc<Self>> {
        if !chosen() {
            return None;
        }
        let client = client();
        let found = have("root", geteuid().is_root())
            && have("dockerd", answers(&mut Command::new("dockerd"), "--version"))
            && have("docker with BuildKit (docker.io, docker-buildx)", client.is_some())
            && have("mmdebstrap", answers(&mut Command::new("mmdebstrap"), "--version"))
            && have("ip (iproute2)", answers(&mut Command::new("ip"), "-V"));
        if !found {
            return None;
        }
        let mut shared = SHARED.lock().expect("no test failed while it started the engine");
        let engine = shared.upgrade().unwrap_or_else(|| Arc::new(Self::start(client.expect("found"), "{}")));
        *shared = Arc::downgrade(&engine);
        Some(engine)
    }

    /// One that keeps its images in containerd, as newer ones do, with a client that has buildx; for the test that asks alone.
    pub fn with_image_store() -> Option<Self> {
        // What the others need, this one needs, too.
        drop(Self::shared()?);
        let client = client().expect("found by the others");
        let engine = Self::start(client, "{\"features\": {\"containerd-snapshotter\": true}}");
        let status = engine.run(&["info", "--format", "{{.DriverStatus}}"]);
        let buildx = engine.docker(&["buildx", "version"]).output();
        let found = have("an engine with images in containerd", status.contains("io.containerd.snapshotter"))
            && have("docker buildx", buildx.is_ok_and(|output| output.status.success()));
        found.then_some(engine)
    }

    fn start(client: PathBuf, settings: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("pave-docker-").tempdir().expect("a temporary directory");
        let file = |name: &str| dir.path().join(name);
        // Named by the process, so that whoever finds it knows whose it is; `.ci/run` reads the file.
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let bridge = format!("pave{}-{}", std::process::id(), STARTED.fetch_add(1, Ordering::SeqCst));
        fs::write(file("bridge"), &bridge).expect("writes");
        add_bridge(&bridge);
        // Not what the machine has in /etc/docker.
        fs::write(file("daemon.json"), settings).expect("writes");
        // Of the user's own settings of the client only its plugins.
        fs::create_dir(file("client")).expect("makes a directory");
        let own = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from);
        if let Some(own) = own.or_else(|| Some(std::env::home_dir()?.join(".docker"))) {
            symlink(own.join("cli-plugins"), file("client/cli-plugins")).expect("links");
        }
        let log = fs::File::create(file("dockerd.log")).expect("a log");
        let daemon = Command::new("dockerd")
            .arg("--config-file")
            .arg(file("daemon.json"))
            .arg("--data-root")
            .arg(file("data"))
            .arg("--exec-root")
            .arg(file("exec"))
            .arg("--pidfile")
            .arg(file("dockerd.pid"))
            .args(["--host", &format!("unix://{}", file("socket").display()), "--bridge", &bridge])
            // Published ports go through docker-proxy, and builds use the machine's own network.
            .args(["--iptables=false", "--ip-forward=false", "--ip-masq=false", "--log-level", "warn"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("dockerd starts");
        let engine = Self { daemon, client, bridge, dir };
        until("dockerd answers; its log is dockerd.log in its directory", || {
            engine.docker(&["version"]).output().is_ok_and(|output| output.status.success())
        });
        engine
    }

    /// The client, talking to this engine and with no settings of the user.
    pub fn docker(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.client);
        command.args(arguments).stdin(Stdio::null());
        self.point(&mut command);
        command
    }

    /// Lets a command that calls `docker` find this engine, and the client that was found to build.
    pub fn point(&self, command: &mut Command) {
        let first = self.client.parent().map(Path::to_owned).into_iter();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = first.chain(std::env::split_paths(&path)).collect::<Vec<_>>();
        command
            .env("PATH", std::env::join_paths(paths).expect("a PATH"))
            .env("DOCKER_HOST", format!("unix://{}", self.dir.path().join("socket").display()))
            .env("DOCKER_CONFIG", self.dir.path().join("client"))
            .env("DOCKER_BUILDKIT", "1")
            .env_remove("DOCKER_CONTEXT");
    }

    /// What a command of the client prints; it has to succeed.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.docker(arguments).output().expect("docker runs");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "docker {arguments:?}: {}\n{out}\n{err}", output.status);
        out.trim_end().to_owned()
    }

    /// Builds a project's image and returns what BuildKit said. `target` is a stage, or the last one.
    #[track_caller]
    pub fn build(&self, project: &Path, tag: &str, target: Option<&str>) -> String {
        let _beside_others = BUILDS.read().unwrap_or_else(PoisonError::into_inner);
        self.built(project, tag, target)
    }

    /// The same with no other build beside it. BuildKit shares equal steps of builds that run at once, and makes one that it
    /// has in its cache anew where another build is making it.
    #[track_caller]
    pub fn build_alone(&self, project: &Path, tag: &str) -> String {
        let _alone = BUILDS.write().unwrap_or_else(PoisonError::into_inner);
        self.built(project, tag, None)
    }

    #[track_caller]
    fn built(&self, project: &Path, tag: &str, target: Option<&str>) -> String {
        let mut command =
            self.docker(&["build", "--progress", "plain", "--network", "host", "--force-rm", "--tag", tag]);
        command.args(target.iter().flat_map(|stage| ["--target", stage])).arg(".").current_dir(project);
        let output = command.output().expect("docker runs");
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "docker build of {tag}: {}\n{said}", output.status);
        said
    }

    /// Makes stand-ins for base images, one caller at a time.
    #[track_caller]
    pub fn provide(&self, images: &[String]) {
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().expect("no test failed while it made images");
        let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/docker/bases"));
        command.arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("bases")).args(images).stdin(Stdio::null());
        self.point(&mut command);
        let output = command.output().expect("bash runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tests/docker/bases: {}\n{said}", output.status);
        eprint!("{said}");
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let containers = self.docker(&["ps", "--all", "--quiet"]).output();
        let containers = containers.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        for container in containers.unwrap_or_default().lines() {
            let _ = self.docker(&["rm", "--force", container]).output();
        }
        // The daemon ends its containerd and its mounts when it is asked to end, and only then.
        let pid = Pid::from_raw(self.daemon.id() as i32).expect("a process id");
        let _ = kill_process(pid, Signal::TERM);
        let asked = Instant::now();
        while self.daemon.try_wait().is_ok_and(|ended| ended.is_none()) {
            if asked.elapsed() > Duration::from_secs(20) {
                let _ = self.daemon.kill();
                let _ = self.daemon.wait();
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = Command::new("ip").args(["link", "delete", &self.bridge]).output();
    }
}

/// Whether this run is one with containers: they take minutes and root, so one asks for them.
pub fn chosen() -> bool {
    let chosen = std::env::var("PAVE_TEST_DOCKER").as_deref() == Ok("1");
    if !chosen {
        eprintln!("skipped: images are built and run with PAVE_TEST_DOCKER=1");
    }
    chosen
}

/// Whether a program is there and runs.
pub fn answers(program: &mut Command, argument: &str) -> bool {
    program.arg(argument).stdin(Stdio::null()).output().is_ok_and(|output| output.status.success())
}

/// The first `docker` in PATH that can build with BuildKit: the newer ones need a plugin for it, which not each of them has.
fn client() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join("docker")).find(|docker| {
        let mut help = Command::new(docker);
        help.args(["build", "--help"]).env("DOCKER_BUILDKIT", "1").stdin(Stdio::null());
        help.output().is_ok_and(|output| {
            output.status.success() && String::from_utf8_lossy(&output.stdout).contains("--secret")
        })
    })
}

/// A bridge with the first network of 198.18.0.0/15, which is set apart for tests, that nothing here uses.
fn add_bridge(name: &str) {
    let ip = |arguments: &[&str]| {
        let output = Command::new("ip").args(arguments).output().expect("ip runs");
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "ip {arguments:?}: {err}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let used = ip(&["-o", "-4", "address"]);
    let free = (0..=255)
        .map(|n| format!("198.18.{n}."))
        .find(|net| !used.contains(net.as_str()))
        .expect("a free network");
    ip(&["link", "add", name, "type", "bridge"]);
    ip(&["address", "add", &format!("{free}1/24"), "dev", name]);
    ip(&["link", "set", name, "up"]);
}
