//! The answer: the first sentence of what was asked, marked as the sandbox's, and an estimate of its tokens.

use serde::Serialize;

use super::request::Converse;

/// How every answer begins; it counts as one token.
const MARK: &str = "[sandbox]";

/// Letters of a token of a word: about what tokenisers make of English.
const LETTERS: usize = 6;

/// What is answered.
#[derive(Debug)]
pub(super) struct Said {
    pub text: String,
    pub stop_reason: &'static str,
}

/// Estimated tokens.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Usage {
    input_tokens: usize,
    output_tokens: usize,
    total_tokens: usize,
}

/// The ends of the tokens of a text: words in pieces of a few letters, each other sign by itself; blanks belong to
/// what follows them.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = usize> {
    let mut letters = 0;
    let mut signs = text.char_indices().peekable();
    std::iter::from_fn(move || {
        while let Some((at, sign)) = signs.next() {
            if sign.is_whitespace() {
                letters = 0;
                continue;
            }
            let end = at + sign.len_utf8();
            if !is_letter(sign) {
                letters = 0;
                return Some(end);
            }
            letters += 1;
            let goes_on = signs.peek().is_some_and(|(_, next)| is_letter(*next));
            if letters == LETTERS || !goes_on {
                letters = 0;
                return Some(end);
            }
        }
        None
    })
}

/// Letters and digits of scripts that write words apart; a sign of any other is a token by itself.
fn is_letter(sign: char) -> bool {
    sign.is_alphanumeric() && (sign as u32) < 0x2E80
}

/// The first sentence of a text: up to a full stop, question or exclamation mark before a blank, or to the line's end.
fn first_sentence(text: &str) -> &str {
    let line = text.trim().lines().next().unwrap_or_default().trim_end();
    let end = line.char_indices().find_map(|(at, sign)| {
        let after = at + sign.len_utf8();
        let ends = matches!(sign, '.' | '?' | '!') && line[after..].starts_with(char::is_whitespace);
        (ends || matches!(sign, '。' | '？' | '！')).then_some(after)
    });
    &line[..end.unwrap_or(line.len())]
}

/// Answers a conversation.
pub(super) fn answer(asked: &Converse) -> (Said, Usage) {
    let mut said = first_sentence(&asked.last);
    let mut stop_reason = "end_turn";
    if let Some(at) = asked.limits.stop_sequences.iter().filter_map(|stop| said.find(stop.as_str())).min() {
        (said, stop_reason) = (said[..at].trim_end(), "stop_sequence");
    }
    let most = asked.limits.max_tokens.and_then(|most| usize::try_from(most - 1).ok()).unwrap_or(usize::MAX);
    let ends: Vec<usize> = tokens(said).take(most.saturating_add(1)).collect();
    if ends.len() > most {
        let end = if most == 0 { 0 } else { ends[most - 1] };
        (said, stop_reason) = (&said[..end], "max_tokens");
    }
    let output_tokens = 1 + ends.len().min(most);
    let input_tokens = asked.texts.iter().map(|text| tokens(text).count()).sum();
    let text = if said.is_empty() { MARK.to_owned() } else { format!("{MARK} {said}") };
    let total_tokens = input_tokens + output_tokens;
    (Said { text, stop_reason }, Usage { input_tokens, output_tokens, total_tokens })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sentences_end_where_a_reader_would_end_them() {
        for (text, expected) in [
            ("One. Two.", "One."),
            ("Is it 2.5? Yes.", "Is it 2.5?"),
            ("no end", "no end"),
            ("\n  a line\nanother.", "a line"),
            ("end.", "end."),
            ("これは文です。次。", "これは文です。"),
        ] {
            assert_eq!(first_sentence(text), expected, "{text}");
        }
    }

    #[test]
    fn tokens_are_words_their_pieces_and_signs() {
        let pieces = |text: &str| tokens(text).count();
        assert_eq!(pieces(""), 0);
        assert_eq!(pieces("a cat"), 2);
        assert_eq!(pieces("understanding"), 3);
        assert_eq!(pieces("well, yes!"), 4);
        assert_eq!(pieces("日本語"), 3);
    }

    proptest! {
        #[test]
        fn tokens_end_inside_their_text_and_in_order(text in "\\PC{0,60}") {
            let ends: Vec<usize> = tokens(&text).collect();
            prop_assert!(ends.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(ends.iter().all(|end| text.is_char_boundary(*end)));
            prop_assert_eq!(ends.last().copied().unwrap_or(0), text.trim_end().len());
        }
    }
}
