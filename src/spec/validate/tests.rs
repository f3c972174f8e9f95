use crate::spec::{parse, validate};

const GOOD: &str = "[service]\nname = \"orders\"\nowner = \"payments\"\nlanguage = \"python\"\n\n";

/// Messages for a file, with the text each of them points at.
fn mistakes(text: &str) -> Vec<(String, String)> {
    let parsed = parse("pave.toml", text).expect("parses");
    match validate(&parsed) {
        Ok(()) => Vec::new(),
        Err(error) => error
            .mistakes
            .into_iter()
            .map(|m| (m.span.map(|s| text[s].to_owned()).unwrap_or_default(), m.message))
            .collect(),
    }
}

#[test]
fn the_smallest_file_is_valid() {
    assert_eq!(mistakes(GOOD), []);
}

#[test]
fn names_that_aws_would_refuse_are_refused_at_their_place() {
    for name in ["or", "Orders", "9orders", "orders-", "or--ders", "orders_api", "ordérs", &"o".repeat(33)] {
        let found = mistakes(&GOOD.replace("orders", name));
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert_eq!(found[0].0, format!("\"{name}\""));
    }
    let text = GOOD.replace("orders", &"o".repeat(32)) + "[environments.staging]\ntarget = \"sandbox\"\n";
    assert!(mistakes(&text)[0].1.contains("40 characters"));
    assert!(
        mistakes(&(GOOD.to_owned() + "[environments.my-env]\ntarget = \"sandbox\"\n"))[0]
            .1
            .contains("hyphen")
    );
}

#[test]
fn only_sizes_that_exist_are_accepted_also_after_an_override() {
    assert_eq!(mistakes(&(GOOD.to_owned() + "[scale]\ncpu = \"1\"\nmemory = \"0.5GB\"\n"))[0].0, "\"0.5GB\"");
    let text = GOOD.to_owned() + "[environments.sandbox]\ntarget = \"sandbox\"\nscale = { cpu = \"4\" }\n";
    assert!(mistakes(&text)[0].1.contains("4 vCPU"));
}

#[test]
fn steps_must_rise_to_everyone() {
    for steps in ["[]", "[5, 5, 100]", "[50, 25, 100]", "[5, 50]", "[0, 100]", "[100, 101]"] {
        assert_eq!(mistakes(&format!("{GOOD}[rollout]\nsteps = {steps}\n")).len(), 1, "{steps}");
    }
    assert_eq!(mistakes(&format!("{GOOD}[rollout]\nsteps = [100]\n")), []);
}

#[test]
fn urls_must_be_plain_bases() {
    let with =
        |url: &str| format!("{GOOD}[[dependencies]]\nname = \"stripe\"\nkind = \"http\"\nurl = \"{url}\"\n");
    for url in [
        "ftp://a.b",
        "https://",
        "https://u:p@a.b",
        "https://a.b:0",
        "https://a b",
        "https://a.b/{{x}}",
        "https://a.b/?q",
    ] {
        assert_eq!(mistakes(&with(url)).len(), 1, "{url}");
    }
    for url in ["https://api.stripe.com", "http://127.0.0.1:9000/base"] {
        assert_eq!(mistakes(&with(url)), [], "{url}");
    }
    assert_eq!(mistakes(&format!("{GOOD}[[dependencies]]\nname = \"stripe\"\nkind = \"http\"\n")).len(), 1);
}

#[test]
fn an_aws_environment_needs_an_account_and_a_region_app_runner_is_in() {
    assert_eq!(mistakes(&format!("{GOOD}[environments.prod]\n")).len(), 2);
    let text = format!("{GOOD}[environments.prod]\naccount = \"222222222222\"\nregion = \"us-gov-west-1\"\n");
    assert!(mistakes(&text)[0].1.contains("GovCloud"));
}

#[test]
fn all_mistakes_come_at_once_in_the_order_of_the_file() {
    let text = GOOD.replace("orders", "X")
        + "[http]\nport = 80\n[slo]\navailability = 100\n[rollout]\nbake = \"0s\"\n";
    let found: Vec<String> = mistakes(&text).into_iter().map(|m| m.0).collect();
    assert_eq!(found, ["\"X\"", "80", "100", "\"0s\""]);
}

#[test]
fn a_fallback_exists_only_where_another_answer_could_stand_in() {
    for (kind, mistakes_expected) in
        [("postgres", 1), ("redis", 1), ("s3", 1), ("sqs", 1), ("dynamodb", 0), ("bedrock", 0)]
    {
        let text =
            format!("{GOOD}[[dependencies]]\nname = \"dep\"\nkind = \"{kind}\"\nfallback = \"default\"\n");
        let found = mistakes(&text);
        assert_eq!(found.len(), mistakes_expected, "{kind}: {found:?}");
        assert!(found.iter().all(|(place, _)| place == "\"default\""), "{found:?}");
    }
}

#[test]
fn a_service_has_one_database_at_most() {
    let one = |name: &str| format!("[[dependencies]]\nname = \"{name}\"\nkind = \"postgres\"\n");
    assert_eq!(mistakes(&format!("{GOOD}{}", one("db"))), []);
    assert_eq!(mistakes(&format!("{GOOD}{}{}", one("db"), one("other")))[0].0, "\"postgres\"");
}

#[test]
fn variables_have_names_that_a_process_takes_and_no_passwords_on_an_account() {
    let with = |target: &str, line: &str| {
        format!("{GOOD}[environments.prod]\n{target}\n[environments.prod.variables]\n{line}\n")
    };
    let sandbox = "target = \"sandbox\"";
    let account = "account = \"222222222222\"\nregion = \"us-east-1\"";
    let url = "DB_URL = \"postgres://app:hunter2@db:5432/app\"";
    for good in [r#"LOG_LEVEL = "debug""#, r#"DB_URL = "postgres://app@db:5432/a:b@c""#, r#"_X9 = """#] {
        assert_eq!(mistakes(&with(account, good)), [], "{good}");
    }
    assert_eq!(mistakes(&with(sandbox, url)), []);
    assert_eq!(mistakes(&with(sandbox, "STRIPE_API_KEY = \"hunter2\"")), []);
    let bad = [
        (r#"log-level = "debug""#, "not the name"),
        (r#"9LIVES = "x""#, "not the name"),
        (r#"PORT = "80""#, "set by pave"),
        (r#"MAX_CONCURRENCY = "80""#, "set by pave"),
        (r#"AWSAPPRUNNER_X = "80""#, "set by pave"),
        (r#"BANNER = "a\nb""#, "not one line"),
        (url, "has a password"),
        (r#"STRIPE_API_KEY = "hunter2""#, "named as a secret is"),
    ];
    for (line, message) in bad {
        let found = mistakes(&with(account, line));
        assert_eq!(found.len(), 1, "{line}: {found:?}");
        assert!(found[0].1.contains(message), "{line}: {found:?}");
        assert!(!found[0].1.contains("hunter2"), "{found:?}");
    }
}
