//! Pages of a list whose entries have keys: a token says the key of the last entry shown, so that what is made or
//! removed in between neither repeats an entry nor hides one.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// One page, and the token of the next where there is one; `None` for a token that was never given.
pub fn page<T>(
    mut entries: Vec<(String, T)>,
    descending: bool,
    limit: usize,
    token: Option<&str>,
) -> Option<(Vec<T>, Option<String>)> {
    entries.sort_by(|a, b| if descending { b.0.cmp(&a.0) } else { a.0.cmp(&b.0) });
    if let Some(token) = token {
        let last = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        entries.retain(|(key, _)| if descending { *key < last } else { *key > last });
    }
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().filter(|_| more).map(|(key, _)| URL_SAFE_NO_PAD.encode(key));
    Some((entries.into_iter().map(|(_, entry)| entry).collect(), next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_in_either_direction_show_each_entry_once() {
        let all = || ["b", "d", "a", "c", "e"].map(|key| (key.to_owned(), key)).to_vec();
        for (descending, expected) in [(false, "abcde"), (true, "edcba")] {
            let (mut shown, mut token) = (String::new(), None);
            loop {
                let (entries, next) = page(all(), descending, 2, token.as_deref()).expect("a page");
                shown.extend(entries);
                match next {
                    Some(next) => token = Some(next),
                    None => break,
                }
            }
            assert_eq!(shown, expected);
        }
        assert!(page(all(), false, 2, Some("!")).is_none());
    }
}
