use proptest::prelude::*;

use super::*;

fn hold(pattern: &str, meant: &[&str], others: &[&str]) {
    let parsed = Pattern::parse(pattern).unwrap_or_else(|why| panic!("{pattern}: {why}"));
    for message in meant {
        assert!(parsed.matches(message), "{pattern} means {message}");
    }
    for message in others {
        assert!(!parsed.matches(message), "{pattern} does not mean {message}");
    }
}

#[test]
fn terms() {
    hold("", &["anything", ""], &[]);
    hold("ERROR", &["[ERROR 400] BAD REQUEST"], &["error"]);
    hold("ERROR ARGUMENTS", &["ERROR INVALID ARGUMENTS", "ARGUMENTS ERROR"], &["ERROR"]);
    hold("?ERROR ?WARN", &["ERROR", "a WARN"], &["INFO"]);
    hold("ERROR -EXITING", &["ERROR"], &["ERROR EXITING"]);
    hold("-\"a b\"", &["ab"], &["x a b"]);
    hold("\"INTERNAL SERVER ERROR\"", &["500 INTERNAL SERVER ERROR"], &["INTERNAL ERROR"]);
    hold("\"say \\\"x\\\"\"", &["they say \"x\""], &["say x"]);
    hold("%AUTHORIZED|5\\d\\d%", &["UNAUTHORIZED", "a 503"], &["404"]);
    for text in ["a-b", "\"open", "%open", "%(%", "a\"b\"", "-"] {
        assert!(Pattern::parse(text).is_err(), "{text}");
    }
}

#[test]
fn json_members() {
    let event = r#"{"status":500,"path":"/x/y","ok":false,"none":null,"tags":["a","b"],"by":{"ip":"10.0.0.7"},"t":"1.5"}"#;
    for pattern in [
        "{ $.status = 500 }",
        "{$.status=500&&$.path=\"/x*\"}",
        "{ $.status >= 5e2 && $.status < 501 }",
        "{ $.path = /x/* }",
        "{ $.path = \"*/y\" }",
        "{ $.status = 404 || ($.ok IS FALSE && $.none IS NULL) }",
        "{ $.nothing NOT EXISTS }",
        "{ $.tags[1] = \"b\" }",
        "{ $.tags[*] = \"a\" }",
        "{ $['by'].ip = 10.0.* }",
        "{ $.by.ip != \"10.0.0.8\" }",
        "{ $.by.ip = %0\\.7$% }",
        "{ $.t > 1 }",
    ] {
        hold(
            pattern,
            &[event],
            &["status 500", "{}x", "[]"].map(|m| if pattern.contains("NOT EX") { "x" } else { m }),
        );
    }
    for pattern in [
        "{ $.status = 501 }",
        "{ $.nothing != 1 }",
        "{ $.path > 1 }",
        "{ $.ok IS TRUE }",
        "{ $.tags[2] = * }",
    ] {
        hold(pattern, &[], &[event]);
    }
    for text in [
        "{",
        "{}",
        "{ $.a }",
        "{ $. = 1 }",
        "{ $.a = }",
        "{ $.a > x }",
        "{ ($.a = 1 }",
        "{ $.a = 1 } x",
        "{ a = 1 }",
    ] {
        assert!(Pattern::parse(text).is_err(), "{text}");
    }
}

#[test]
fn fields() {
    let event = "127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] \"GET /index.html HTTP/1.0\" 404 1534";
    for pattern in [
        "[ip, id, user, time, request, status, bytes]",
        "[ip, id, user, time, request, status = 4*, bytes > 1000]",
        "[ip=%127\\.0\\.0\\.[1-9]%, ..., status=404, bytes]",
        "[..., bytes >= 1534 && bytes < 2000]",
        "[w1, w2, w3 = frank || w3 = \"bob\", ...]",
        "[ip, id, user, time = 10/Oct*, request = \"*html*\", ...]",
    ] {
        hold(pattern, &[event], &["one two"]);
    }
    for pattern in ["[ip, id]", "[ip, ..., status = 5*, bytes]", "[ip != 127*, ...]"] {
        hold(pattern, &[], &[event]);
    }
    for text in ["[", "[]", "[a b]", "[a,]", "[a =]", "[..., a, ...]", "[a = 1 &&]", "[a = 1 ||, b]"] {
        assert!(Pattern::parse(text).is_err(), "{text}");
    }
}

#[test]
fn what_was_found_is_told() {
    let json = Pattern::parse("{ $.a = * && $.b > 1 }").expect("reads");
    let found = json.extract(r#"{"a":"x","b":2}"#);
    assert_eq!(
        found,
        BTreeMap::from([("$.a".to_owned(), "x".to_owned()), ("$.b".to_owned(), "2".to_owned())])
    );
    assert_eq!(json.select("$.c.d", r#"{"c":{"d":4.5}}"#), Some("4.5".to_owned()));
    let fields = Pattern::parse("[level, ..., ms]").expect("reads");
    assert_eq!(fields.select("$ms", "INFO took so long 17"), Some("17".to_owned()));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(
        pattern in "[{\\[]?( |\\$\\.a|a|é|=|!=|>|<|&&|\\|\\||\\(|\\)|\"|%|\\*|\\.\\.\\.|,|\\[|\\]|1|IS NULL){0,20}[}\\]]?",
        message in "[{\\[\"]?[ a1é\"\\]:,]{0,20}",
    ) {
        if let Ok(pattern) = Pattern::parse(&pattern) {
            pattern.matches(&message);
            pattern.extract(&message);
        }
    }

    #[test]
    fn depth_does_not_use_up_the_stack(open in "\\{[ (]{0,900}") {
        let _ = Pattern::parse(&format!("{open}}}"));
    }
}
