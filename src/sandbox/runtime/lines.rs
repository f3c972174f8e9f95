//! What a program prints, line by line. A line has no bound, but what is held of it does: the longest event that a log takes.
//! Of a longer one that much is told as soon as it is there, and the rest is read and left out.

use std::io;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// Most bytes that are told of a line. Source: CloudWatch Logs API reference, `PutLogEvents`: 256 KiB, of which an event
/// takes 26 bytes for itself.
const LONGEST: usize = 256 * 1024 - 26;

/// What ends a line that was too long.
const NOTE: &str = " [the rest of this line is left out]";

/// A line that comes in pieces.
#[derive(Debug, Default)]
pub struct Line {
    held: Vec<u8>,
    told: bool,
}

impl Line {
    /// Takes more of it, without its end. Says what is to be told of it, once it is known to be too long.
    pub fn push(&mut self, more: &[u8]) -> Option<String> {
        if self.told {
            return None;
        }
        let room = LONGEST - NOTE.len() - self.held.len();
        if more.len() <= room {
            self.held.extend_from_slice(more);
            return None;
        }
        self.held.extend_from_slice(&more[..room]);
        self.told = true;
        Some(self.take() + NOTE)
    }

    /// Ends it, and is a new one. Says what is to be told, unless that was said.
    pub fn end(&mut self) -> Option<String> {
        if std::mem::take(&mut self.told) {
            return None;
        }
        self.held.pop_if(|last| *last == b'\r');
        Some(self.take())
    }

    /// Bytes that are no text must not make it longer.
    fn take(&mut self) -> String {
        let held = std::mem::take(&mut self.held);
        let text = String::from_utf8_lossy(&held);
        if text.len() > held.len() { text.replace('\u{FFFD}', "?") } else { text.into_owned() }
    }
}

/// The lines of a stream.
#[derive(Debug)]
pub struct Lines<R> {
    from: BufReader<R>,
    line: Line,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Those that are read from here.
    pub fn of(from: R) -> Self {
        Self { from: BufReader::new(from), line: Line::default() }
    }

    /// The next one, without its end. Nothing is lost where this is given up.
    ///
    /// # Errors
    /// When nothing can be read.
    pub async fn next(&mut self) -> io::Result<Option<String>> {
        loop {
            let there = self.from.fill_buf().await?;
            if there.is_empty() {
                return Ok(self.line.end().filter(|last| !last.is_empty()));
            }
            let end = there.iter().position(|byte| *byte == b'\n');
            let (length, used) = end.map_or((there.len(), there.len()), |at| (at, at + 1));
            let long = self.line.push(&there[..length]);
            self.from.consume(used);
            let whole = end.and_then(|_| self.line.end());
            if let Some(line) = long.or(whole) {
                return Ok(Some(line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(bytes: &[u8]) -> Vec<String> {
        let (mut lines, mut all) = (Lines::of(bytes), Vec::new());
        while let Some(line) = lines.next().await.expect("reads") {
            assert!(line.len() <= LONGEST && lines.line.held.capacity() <= 2 * LONGEST);
            all.push(line);
        }
        all
    }

    #[tokio::test]
    async fn lines_are_told_apart_and_the_last_one_needs_no_end() {
        assert_eq!(all(b"a\n\nb\r\nc").await, ["a", "", "b", "c"]);
        assert_eq!(all(b"a\n").await, ["a"]);
        assert_eq!(all(b"\xff\xfe!\n").await, ["??!"]);
    }

    #[tokio::test]
    async fn of_a_line_that_is_too_long_its_beginning_is_told_once() {
        for (fill, end) in [("a", "\n"), ("a", ""), ("\u{e9}", "\n")] {
            let long = fill.repeat(3_000_000);
            let told = all(format!("before\n{long}{end}\nafter\n").as_bytes()).await;
            assert_eq!((told[0].as_str(), told.last().map(String::as_str)), ("before", Some("after")));
            assert!(
                told[1].starts_with(fill) && told[1].ends_with(NOTE),
                "{}",
                &told[1][told[1].len() - 60..]
            );
            assert_eq!(told.len(), 2 + end.len() + 1, "{fill}{end}");
        }
    }

    #[tokio::test]
    async fn a_line_that_just_fits_is_whole() {
        let fits = "a".repeat(LONGEST - NOTE.len());
        assert_eq!(all(format!("{fits}\nb\n").as_bytes()).await, [fits.as_str(), "b"]);
        assert!(all(format!("{fits}a\nb\n").as_bytes()).await[0].ends_with(NOTE));
    }
}
