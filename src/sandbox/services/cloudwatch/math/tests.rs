use proptest::prelude::*;

use super::*;

fn line(values: &[(i64, f64)]) -> Line {
    values.iter().copied().collect()
}

fn value(text: &str) -> Result<Val, String> {
    let known = |id: &str, metric, values: &[(i64, f64)]| Known {
        id: id.to_owned(),
        value: Val::Line(line(values)),
        metric,
        period: 60,
    };
    let known = [
        known("m1", true, &[(0, 1.0), (60, 2.0), (180, 4.0)]),
        known("m2", true, &[(0, 10.0), (60, 0.0), (120, 30.0)]),
        known("e1", false, &[(0, 7.0)]),
    ];
    let scope = Scope { known: &known, grid: vec![0, 60, 120, 180] };
    evaluate(&parse(text)?, &scope)
}

#[test]
fn numbers_follow_the_usual_order() {
    for (text, expected) in [
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("2 ^ 3 ^ 2", 512.0),
        ("-2 + 5 - 1", 2.0),
        ("1.5e2 / 3", 50.0),
        ("1 < 2 AND 2 >= 2", 1.0),
        ("1 > 2 || 0", 0.0),
        ("SUM(m1)", 7.0),
        ("AVG(m2)", 40.0 / 3.0),
        ("MAX(m1) - MIN(m1)", 3.0),
        ("DATAPOINT_COUNT(m1)", 3.0),
        ("METRIC_COUNT(METRICS())", 2.0),
        ("PERIOD(m1)", 60.0),
        ("LAST(m2)", 30.0),
        ("IF(1, 5, 6)", 5.0),
    ] {
        assert_eq!(value(text), Ok(Val::Number(expected)), "{text}");
    }
}

#[test]
fn series_meet_where_both_have_values() {
    for (text, expected) in [
        ("m1 + m2", line(&[(0, 11.0), (60, 2.0)])),
        ("m1 / m2", line(&[(0, 0.1)])),
        ("m1 * 10", line(&[(0, 10.0), (60, 20.0), (180, 40.0)])),
        ("m1 > 1", line(&[(0, 0.0), (60, 1.0), (180, 1.0)])),
        ("SUM(METRICS())", line(&[(0, 11.0), (60, 2.0), (120, 30.0), (180, 4.0)])),
        ("SUM([m1, m2])", line(&[(0, 11.0), (60, 2.0), (120, 30.0), (180, 4.0)])),
        ("MAX(METRICS(\"m1\"))", line(&[(0, 1.0), (60, 2.0), (180, 4.0)])),
        ("FILL(m1, 0)", line(&[(0, 1.0), (60, 2.0), (120, 0.0), (180, 4.0)])),
        ("FILL(m1, REPEAT)", line(&[(0, 1.0), (60, 2.0), (120, 2.0), (180, 4.0)])),
        ("FILL(m1, LINEAR)", line(&[(0, 1.0), (60, 2.0), (120, 3.0), (180, 4.0)])),
        ("IF(m1 > 1, m1, 0)", line(&[(0, 0.0), (60, 2.0), (180, 4.0)])),
        ("IF(m1 > 1, m1)", line(&[(60, 2.0), (180, 4.0)])),
        ("DIFF(m1)", line(&[(60, 1.0), (180, 2.0)])),
        ("RATE(m1)", line(&[(60, 1.0 / 60.0), (180, 2.0 / 120.0)])),
        ("RUNNING_SUM(m1)", line(&[(0, 1.0), (60, 3.0), (180, 7.0)])),
        ("1 / 0", line(&[])),
        ("m1 - AVG(IF(m1 > 9, m1))", line(&[])),
        ("TIME_SERIES(2)", line(&[(0, 2.0), (60, 2.0), (120, 2.0), (180, 2.0)])),
    ] {
        assert_eq!(value(text), Ok(Val::Line(expected)), "{text}");
    }
}

#[test]
fn what_is_no_expression_is_refused() {
    for text in ["", "m1 +", "m1 m2", "(m1", "m3", "SUM(1)", "[1]", "\"a\" + 1", "m1 % 2", "FILL(m1, \"x\")"]
    {
        assert!(value(text).is_err(), "{text}: {:?}", value(text));
    }
    let anomaly = parse("ANOMALY_DETECTION_BAND(m1, 2) + SUM(m1)").expect("reads");
    assert_eq!(unknown_function(&anomaly), Some("ANOMALY_DETECTION_BAND"));
}

#[test]
fn expressions_come_after_what_they_name() {
    let all = |texts: &[(&str, Option<&str>)]| -> Vec<(String, Option<Expr>)> {
        texts
            .iter()
            .map(|(id, text)| ((*id).to_owned(), text.map(|text| parse(text).expect("reads"))))
            .collect()
    };
    assert_eq!(order(&all(&[("e1", Some("e2+1")), ("e2", Some("m1")), ("m1", None)])), Ok(vec![2, 1, 0]));
    assert!(order(&all(&[("e1", Some("e2+1")), ("e2", Some("e1"))])).is_err());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[-+*/^()\\[\\],.<>=!&|\"'a-eE0-9 mMETRICSFL]{0,40}") {
        let _ = value(&text);
    }

    #[test]
    fn depth_does_not_use_up_the_stack(open in "[(\\[-]{0,2000}") {
        let _ = parse(&open);
    }
}
