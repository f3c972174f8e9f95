//! Printing: results to standard output, progress to standard error, each for people or as JSON.

use std::io::{IsTerminal as _, Write as _};

use serde::Serialize;

use super::args::{Color, Format};

/// How this run prints.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// For people or machines.
    pub format: Format,
    /// Results and errors only.
    pub quiet: bool,
    /// More than usual.
    pub verbose: bool,
    /// Whether progress goes to a terminal that can redraw a line.
    pub live: bool,
    color: bool,
}

/// What a colour means.
#[derive(Debug, Clone, Copy)]
pub enum Tone {
    /// It went well.
    Good,
    /// It went badly.
    Bad,
    /// Take note.
    Note,
    /// Less important.
    Dim,
}

impl Output {
    /// From the global flags and the terminal.
    pub fn new(format: Format, quiet: bool, verbose: bool, color: Color) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let color = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
        };
        Self { format, quiet, verbose, live: terminal && format == Format::Human && !quiet, color }
    }

    /// Whether output is for machines.
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether colours are used.
    pub fn colored(&self) -> bool {
        self.color
    }

    /// Text in a colour, where colours are used.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.color {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Note => "33",
            Tone::Dim => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// A result for people.
    pub fn say(&self, text: &str) {
        if self.format == Format::Human {
            // A reader that went away, as `head` does, is no error.
            let _ = writeln!(std::io::stdout(), "{text}");
        }
    }

    /// A result for machines, on one line.
    pub fn json(&self, value: &impl Serialize) {
        if self.format == Format::Json {
            let text = serde_json::to_string(value).expect("results always serialise");
            let _ = writeln!(std::io::stdout(), "{text}");
        }
    }

    /// What to do next; not said to machines.
    pub fn next(&self, text: &str) {
        if self.format == Format::Human && !self.quiet {
            let _ = writeln!(std::io::stdout(), "{}", self.paint(Tone::Dim, &format!("next: {text}")));
        }
    }

    /// A line of progress for people.
    pub fn progress(&self, text: &str) {
        if self.format == Format::Human && !self.quiet {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    /// Rows in columns as wide as their widest cell; colour takes no room.
    pub fn table(&self, head: &[&str], rows: &[Vec<String>]) {
        let mut widths: Vec<usize> = head.iter().map(|cell| cell.len()).collect();
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(visible(cell));
            }
        }
        let line = |cells: Vec<&str>| {
            let padded = cells.iter().zip(&widths).map(|(cell, width)| {
                let fill = width.saturating_sub(visible(cell));
                format!("{cell}{}", " ".repeat(fill))
            });
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        self.say(&self.paint(Tone::Dim, &line(head.to_vec())));
        for row in rows {
            self.say(&line(row.iter().map(String::as_str).collect()));
        }
    }
}

/// Characters a terminal shows of a cell.
fn visible(cell: &str) -> usize {
    let mut shown = 0;
    let mut inside = false;
    for c in cell.chars() {
        match c {
            '\u{1b}' => inside = true,
            'm' if inside => inside = false,
            _ if !inside => shown += 1,
            _ => {}
        }
    }
    shown
}
