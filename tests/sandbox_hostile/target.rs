//! The sandbox that is sent to, and what holds of it and its answers whatever that is.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    time::Duration,
};

use super::support::Place;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A word that is in no answer: what a file beside the sandbox's directory holds.
const WORD: &str = "what nobody may read";

/// One sandbox.
pub struct Target {
    pub place: Place,
    pub port: u16,
    pub secret: String,
}

impl Target {
    pub fn new() -> Self {
        let place = Place::new();
        fs::write(place.path().join("secret"), WORD).expect("writes");
        place.pave(&["sandbox", "up"]).expect(0);
        let env = place.aws_env();
        let port =
            env["AWS_ENDPOINT_URL"].rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        Self { port, secret: env["AWS_SECRET_ACCESS_KEY"].clone(), place }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    }

    /// Sends bytes and reads until the sandbox closes.
    pub fn send(&self, bytes: &[u8]) -> String {
        Self::rest(self.begin(bytes), bytes)
    }

    /// The same, having said that no more comes.
    pub fn send_all(&self, bytes: &[u8]) -> String {
        let stream = self.begin(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        Self::rest(stream, bytes)
    }

    fn begin(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = self.connect();
        // A sandbox that refused already may have closed.
        let _ = stream.write_all(bytes);
        stream
    }

    fn rest(mut stream: TcpStream, bytes: &[u8]) -> String {
        let mut answer = Vec::new();
        if let Err(error) = stream.read_to_end(&mut answer) {
            assert_eq!(
                error.kind(),
                std::io::ErrorKind::ConnectionReset,
                "{:?}",
                String::from_utf8_lossy(bytes)
            );
        }
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Holds that an answer refuses, and tells nothing that its sender does not know.
    pub fn refused(&self, sent: &[u8], answer: &str) {
        let shown = String::from_utf8_lossy(&sent[..sent.len().min(300)]);
        let here = self.place.path().to_string_lossy();
        for hidden in [self.secret.as_str(), WORD, &here, "panicked", "src/sandbox"] {
            assert!(!answer.contains(hidden), "{hidden} is told after {shown}: {answer}");
        }
        // No answer is a refusal, too: of what is no HTTP.
        let status = answer.split(' ').nth(1).unwrap_or("400");
        assert!(status.starts_with('4'), "{status} after {shown}: {answer}");
    }

    /// Holds that it serves, that its log has no panic and no secret, and that nothing but its own directory changed.
    pub fn is_well(&self, before: &BTreeSet<PathBuf>) {
        assert!(self.place.json(&["sandbox", "status"])["running"].is_object());
        let log = fs::read_to_string(self.place.sandbox().join("sandbox.log")).expect("a log");
        assert!(!log.contains("panicked") && !log.contains(&self.secret), "{log}");
        assert_eq!(&self.outside(), before);
        assert_eq!(fs::read_to_string(self.place.path().join("secret")).expect("reads"), WORD);
    }

    /// All files beside the sandbox's directory, and one level above the place.
    pub fn outside(&self) -> BTreeSet<PathBuf> {
        let inside = self.place.sandbox();
        names(self.place.path()).into_iter().filter(|path| *path != inside).collect()
    }
}

fn names(dir: &Path) -> BTreeSet<PathBuf> {
    fs::read_dir(dir).expect("reads").map(|entry| entry.expect("an entry").path()).collect()
}
