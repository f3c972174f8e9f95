//! Starting, and doing nothing.

use std::{thread, time::Duration};

use crate::{
    Arguments, Failed,
    daemon::Daemon,
    figures::{median, table},
    process,
};

/// How long an idle sandbox is watched.
const WATCHED: Duration = Duration::from_secs(10);

pub fn measure(arguments: &Arguments) -> Result<(), Failed> {
    let (mut starts, mut resident, mut busy) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..arguments.rounds.max(3) * 2 {
        let daemon = Daemon::start(&arguments.binary, None)?;
        starts.push(daemon.took.as_secs_f64() * 1000.0);
        if round < 2 {
            let before = process::processor_ms(daemon.id).ok_or("it is gone")?;
            thread::sleep(WATCHED);
            let used = process::processor_ms(daemon.id).ok_or("it is gone")? - before;
            busy.push(used / WATCHED.as_secs_f64() / 10.0);
            resident.push(process::resident_kib(daemon.id).ok_or("it is gone")? / 1024.0);
        }
    }
    let rows = vec![
        vec![
            "`pave sandbox up` to its end".to_owned(),
            format!("{:.0} ms", median(&starts)),
            "100 ms".to_owned(),
        ],
        vec!["resident, idle".to_owned(), format!("{:.1} MiB", median(&resident)), "40 MiB".to_owned()],
        vec!["processor, idle".to_owned(), format!("{:.2} % of a core", median(&busy)), "1 %".to_owned()],
    ];
    table("Starting and idle", &["what", "figure", "limit"], &rows);
    Ok(())
}
