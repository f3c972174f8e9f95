//! A transcript of every command, as a person would see it. `INSTA_UPDATE=always cargo test --test transcripts` writes them anew.

mod support;

use std::fs;

use support::{Mini, Place};

/// Replaces what differs from run to run.
fn settings(place: &Place) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("transcripts");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(&regex_escaped(&place.path().display().to_string()), "[PLACE]");
    for (pattern, replacement) in [
        (r"sha256:[0-9a-f]{64}", "sha256:[DIGEST]"),
        (r"\b[0-9a-f]{64}\b", "[DIGEST]"),
        (r"\b[0-9a-f]{10}\.us-east-1", "[HOST].us-east-1"),
        (r"\b[0-9a-f]{12}\b", "[DIGEST]"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[TIME]"),
        (r"(localhost|127\.0\.0\.1):\d+", "$1:[PORT]"),
        (r"on port \d+", "on port [PORT]"),
        (r"the edge on port \[PORT\]", "the edge on port [PORT]"),
        (r" +\d+\.\d+s  ", " [ELAPSED]  "),
        (r" \(\d+\.\d+s\)", ""),
        (r"process \d+", "process [PID]"),
        (r"AKIAPAVE[0-9A-F]{12}", "[KEY ID]"),
        (r"AWS_SECRET_ACCESS_KEY=[0-9a-f]+", "AWS_SECRET_ACCESS_KEY=[SECRET]"),
        (r"account    \d{12}", "account    [ACCOUNT]"),
        (r"iam::\d{12}", "iam::[ACCOUNT]"),
        (r"\b\d+ bytes", "[SIZE] bytes"),
        (r"\b\d+ files\b", "[N] files"),
        (r"\b\d+ rules\b", "[N] rules"),
        (r"\b\d+ of \d+\b", "[N] of [N]"),
        (r"\b\d+ failed of \d+", "[N] failed of [N]"),
        (r#""evidence":\{[^}]*\}"#, "[EVIDENCE]"),
        (r"\{.worse.:.*\}", "[EVIDENCE]"),
        (r"(?m)^[0-9a-f]{6} mini", "[INSTANCE] mini"),
        (r"(?m)^(ok     |missing) (.*): .*$(\n {8}.*$)?", "[STATE] $2: [FOUND]"),
        (r"(?m)^        .*\n", ""),
    ] {
        settings.add_filter(pattern, replacement);
    }
    settings
}

fn regex_escaped(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_alphanumeric() || c == '/' { vec![c] } else { vec!['\\', c] }).collect()
}

/// Runs commands one after the other and writes down what they said.
fn transcript(place: &Place, commands: &[&[&str]]) -> String {
    let mut text = String::new();
    for arguments in commands {
        let run = place.pave(arguments);
        text.push_str(&format!("$ pave {}\n", arguments.join(" ")));
        for (name, said) in [("", &run.out), ("err: ", &run.err)] {
            for line in said.lines() {
                text.push_str(&format!("{name}{line}\n"));
            }
        }
        if run.code != 0 {
            text.push_str(&format!("[exit {}]\n", run.code));
        }
        text.push('\n');
    }
    text
}

#[test]
fn making_and_checking_a_project() {
    let place = Place::new();
    let text = transcript(
        &place,
        &[
            &[
                "new",
                "mini",
                "--language",
                "python",
                "--owner",
                "payments-team",
                "--http",
                "stripe=https://api.stripe.com",
            ],
            &["check"],
            &["config", "explain"],
            &["new", "Mini", "--language", "python", "--owner", "me"],
            &["check", "--env"],
        ],
    );
    settings(&place).bind(|| insta::assert_snapshot!("project", text));
}

#[test]
fn mistakes_in_a_file() {
    let place = Place::new();
    let spec = "[service]\nname = \"mini\"\nowner = \"me\"\nlanguage = \"pyton\"\n";
    fs::create_dir(place.project()).expect("dir");
    fs::write(place.project().join("pave.toml"), spec).expect("writes");
    let text = transcript(&place, &[&["check"]]);
    settings(&place).bind(|| insta::assert_snapshot!("mistakes", text));
}

#[test]
fn releasing_looking_and_going_back() {
    let place = Place::new();
    let mini = Mini::new(&place, "4s");
    place.pave(&["sandbox", "up"]).expect(0);
    let mut text = transcript(
        &place,
        &[
            &["status"],
            &["releases"],
            &["deploy", "--dry-run"],
            &["deploy"],
            &["deploy"],
            &["status"],
            &["logs"],
            &["rollback"],
        ],
    );
    mini.edit("FAIL_EVERY = 0", "FAIL_EVERY = 0  # 2");
    text += &transcript(
        &place,
        &[
            &["deploy", "--all-at-once", "a first look"],
            &["rollback", "--dry-run"],
            &["rollback"],
            &["releases"],
            &["releases", "3"],
            &["releases", "9"],
            &["logs", "--slot", "gren"],
        ],
    );
    settings(&place).bind(|| insta::assert_snapshot!("road", text));
}

#[test]
fn the_sandbox_by_hand() {
    let place = Place::new();
    let text = transcript(
        &place,
        &[
            &["sandbox", "status"],
            &["sandbox", "env"],
            &["sandbox", "up"],
            &["sandbox", "up"],
            &["sandbox", "status"],
            &["sandbox", "env"],
            &["sandbox", "down"],
            &["sandbox", "reset"],
            &["doctor"],
        ],
    );
    settings(&place).bind(|| insta::assert_snapshot!("sandbox", text));
}

#[test]
fn help() {
    let place = Place::new();
    let mut text = String::new();
    for arguments in [
        &["--help"][..],
        &["new", "--help"],
        &["check", "--help"],
        &["deploy", "--help"],
        &["rollback", "--help"],
        &["logs", "--help"],
        &["sandbox", "--help"],
        &["verify", "--help"],
        &["tour", "--help"],
    ] {
        text += &transcript(&place, &[arguments]);
    }
    assert!(transcript(&place, &[&["completions", "bash"]]).contains("_pave()"));
    settings(&place).bind(|| insta::assert_snapshot!("help", text));
}
