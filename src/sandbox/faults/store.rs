//! The faults that are asked for, in a file: whoever may read the sandbox's keys may write it, also while no sandbox runs.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rustix::fs::FlockOperation;

use crate::sandbox::persisted::write_atomically;

use super::{Fault, Kind, Place, Strike};

/// Why faults cannot be read or kept.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be used: {source}", path.display())]
pub struct FaultsError {
    path: PathBuf,
    source: io::Error,
}

/// What is known of the file: which one it was, and what it held.
#[derive(Debug, Default)]
struct Known {
    /// Inode and change time: a file is never changed in place.
    version: Option<(u64, i64, i64)>,
    faults: Vec<Fault>,
}

/// The faults of one sandbox.
#[derive(Debug)]
pub struct Faults {
    file: PathBuf,
    known: Mutex<Known>,
}

impl Faults {
    /// Those of the sandbox in `dir`.
    pub fn of(dir: &Path) -> Self {
        Self { file: dir.join("faults.json"), known: Mutex::default() }
    }

    /// All of them.
    ///
    /// # Errors
    /// [`FaultsError`].
    pub fn list(&self) -> Result<Vec<Fault>, FaultsError> {
        self.read().map_err(|source| self.failed(source))
    }

    /// Adds one and returns it with its id.
    ///
    /// # Errors
    /// [`FaultsError`].
    pub fn add(&self, mut fault: Fault) -> Result<Fault, FaultsError> {
        self.change(|faults| {
            fault.id = faults.iter().map(|one| one.id).max().unwrap_or(0) + 1;
            faults.push(fault.clone());
            fault
        })
        .map_err(|source| self.failed(source))
    }

    /// Takes one away, or all; returns how many there were.
    ///
    /// # Errors
    /// [`FaultsError`].
    pub fn clear(&self, id: Option<u32>) -> Result<usize, FaultsError> {
        if self.list()?.is_empty() {
            return Ok(0);
        }
        self.change(|faults| {
            let before = faults.len();
            faults.retain(|fault| id.is_some_and(|id| fault.id != id));
            before - faults.len()
        })
        .map_err(|source| self.failed(source))
    }

    /// What strikes here and now. Every delay that strikes adds up; of the others the first one does.
    pub fn strike(&self, place: Place<'_>) -> Strike {
        let struck = self.look(|faults| {
            let fitting = faults.iter().filter(|fault| fault.fits(&place));
            fitting
                .filter(|fault| rand::random_bool(fault.share.clamp(0.0, 1.0)))
                .cloned()
                .collect::<Vec<_>>()
        });
        let mut strike = Strike::default();
        for fault in struck {
            if fault.kind != Kind::Delay && strike.then.is_some() || !self.take(&fault) {
                continue;
            }
            match fault.kind {
                Kind::Delay => strike.delay += Duration::from_millis(fault.delay_ms.unwrap_or_default()),
                other => strike.then = Some(other),
            }
        }
        strike
    }

    /// Counts one strike; false when others have used them up.
    fn take(&self, struck: &Fault) -> bool {
        if struck.left.is_none() {
            return true;
        }
        let taken = self.change(|faults| {
            let fault = faults.iter_mut().find(|fault| fault.id == struck.id);
            let Some(left) = fault.and_then(|fault| fault.left.as_mut()).filter(|left| **left > 0) else {
                return false;
            };
            *left -= 1;
            true
        });
        // A fault that cannot be counted could strike for ever.
        taken.unwrap_or(false)
    }

    fn failed(&self, source: io::Error) -> FaultsError {
        FaultsError { path: self.file.clone(), source }
    }

    fn read(&self) -> io::Result<Vec<Fault>> {
        match fs::read(&self.file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Looks at what the file holds, read anew only when it is another one.
    fn look<R>(&self, look: impl FnOnce(&[Fault]) -> R) -> R {
        let version = fs::metadata(&self.file).ok().map(|m| (m.ino(), m.ctime(), m.ctime_nsec()));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.version != version {
            // A file that cannot be read holds no faults: it must not stop the sandbox.
            known.faults = self.read().unwrap_or_default();
            known.version = version;
        }
        look(&known.faults)
    }

    /// Changes the file, with nobody else changing it meanwhile.
    fn change<R>(&self, change: impl FnOnce(&mut Vec<Fault>) -> R) -> io::Result<R> {
        let lock = self.file.with_extension("lock");
        let lock: File =
            fs::OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(lock)?;
        rustix::fs::flock(&lock, FlockOperation::LockExclusive)?;
        let mut faults = self.read()?;
        let result = change(&mut faults);
        write_atomically(&self.file, &serde_json::to_vec_pretty(&faults).map_err(io::Error::other)?)?;
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(kind: Kind) -> Fault {
        Fault { id: 0, kind, service: None, operation: None, share: 1.0, left: None, delay_ms: None }
    }

    const PUT: Place<'_> = Place::Call { service: "s3", operation: "PutObject" };

    #[test]
    fn a_fault_strikes_where_it_fits_and_as_often_as_it_was_asked_for() {
        let dir = tempfile::tempdir().expect("dir");
        let (here, there) = (Faults::of(dir.path()), Faults::of(dir.path()));
        assert_eq!(here.strike(PUT), Strike::default());
        let lost = Fault {
            service: Some("s3".to_owned()),
            operation: Some("PutObject".to_owned()),
            left: Some(3),
            ..fault(Kind::LostResponse)
        };
        let id = there.add(lost).expect("adds").id;
        assert_eq!(here.strike(Place::Call { service: "s3", operation: "GetObject" }).then, None);
        assert_eq!(here.strike(Place::Check { service: "s3" }).then, None);
        let struck = (0..10).filter(|_| here.strike(PUT).then == Some(Kind::LostResponse)).count();
        assert_eq!(struck, 3);
        assert_eq!(there.list().expect("lists")[0].left, Some(0));
        assert_eq!((there.clear(Some(id)).expect("clears"), here.list().expect("lists").len()), (1, 0));
    }

    #[test]
    fn delays_add_up_and_of_the_others_one_happens() {
        let dir = tempfile::tempdir().expect("dir");
        let faults = Faults::of(dir.path());
        for _ in 0..2 {
            faults.add(Fault { delay_ms: Some(20), ..fault(Kind::Delay) }).expect("adds");
            faults.add(Fault { left: Some(1), ..fault(Kind::Throttle) }).expect("adds");
        }
        let delay = Duration::from_millis(40);
        let throttled = Strike { delay, then: Some(Kind::Throttle) };
        assert_eq!([faults.strike(PUT), faults.strike(PUT)], [throttled, throttled]);
        assert_eq!(faults.strike(PUT), Strike { delay, then: None });
        assert_eq!(faults.clear(None).expect("clears"), 4);
    }

    #[test]
    fn a_share_of_the_calls_is_struck() {
        let dir = tempfile::tempdir().expect("dir");
        let faults = Faults::of(dir.path());
        faults.add(Fault { share: 0.3, ..fault(Kind::Error) }).expect("adds");
        let struck = (0..2000).filter(|_| faults.strike(PUT).then.is_some()).count();
        // Six standard deviations to either side.
        assert!((477..=723).contains(&struck), "{struck}");
    }

    #[test]
    fn two_who_count_at_once_count_every_strike_once() {
        let dir = tempfile::tempdir().expect("dir");
        Faults::of(dir.path()).add(Fault { left: Some(40), ..fault(Kind::Throttle) }).expect("adds");
        let strikes = std::thread::scope(|scope| {
            let of = |_| {
                scope.spawn(|| {
                    let faults = Faults::of(dir.path());
                    (0..30).filter(|_| faults.strike(PUT).then.is_some()).count()
                })
            };
            (0..4).map(of).collect::<Vec<_>>().into_iter().map(|one| one.join().expect("ends")).sum::<usize>()
        });
        assert_eq!(strikes, 40);
    }
}
