//! The Query protocol: a form with dotted names in, XML out.
//!
//! `Tags.member.1.Key=a` is a list of structures. Only the service's model says what the items of a list are called
//! (`member`, or `DBInstance`), so a service brings its [`Dialect`]. Source: smithy.io, "AWS Query protocol".

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::sandbox::call::ServiceError;

/// What differs between the services that speak Query.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// XML namespace of answers and errors.
    pub namespace: &'static str,
    /// What an item of the list with this name is called.
    pub item: fn(list: &str) -> &'static str,
}

impl Dialect {
    /// Items are called `member`, as in most services.
    pub const fn plain(namespace: &'static str) -> Self {
        Self { namespace, item: |_| "member" }
    }
}

/// Deepest name that any operation has is far below this; the limit keeps a hostile form from nesting without end.
const DEEPEST: usize = 32;

#[derive(Debug)]
enum Node {
    Text(String),
    Branch(BTreeMap<String, Node>),
}

/// Reads a form: the operation, and its members as structures, lists and texts. An empty text stands for an empty list, too.
///
/// # Errors
/// When it is no form, or a name is used for two shapes.
pub(super) fn read(body: &[u8]) -> Result<(String, Value), String> {
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_bytes(body).map_err(|error| format!("the body is not a form: {error}"))?;
    let mut root = BTreeMap::new();
    let mut operation = String::new();
    for (name, value) in pairs {
        match name.as_str() {
            "Action" => operation = value,
            "Version" => {}
            _ => {
                let parts: Vec<&str> = name.split('.').collect();
                if parts.len() > DEEPEST {
                    return Err(format!("a name has more than {DEEPEST} parts"));
                }
                put(&mut root, &parts, value).ok_or_else(|| format!("{name} is given in two shapes"))?;
            }
        }
    }
    // The root is a structure whatever its members are called.
    let input = root.into_iter().map(|(name, node)| (name, node.value())).collect::<Map<_, _>>();
    Ok((operation, Value::Object(input)))
}

/// Nothing when the place is taken by something of another shape.
fn put(branch: &mut BTreeMap<String, Node>, parts: &[&str], value: String) -> Option<()> {
    let (first, rest) = parts.split_first()?;
    if rest.is_empty() {
        return branch.insert((*first).to_owned(), Node::Text(value)).is_none().then_some(());
    }
    match branch.entry((*first).to_owned()).or_insert_with(|| Node::Branch(BTreeMap::new())) {
        Node::Branch(inner) => put(inner, rest, value),
        Node::Text(_) => None,
    }
}

impl Node {
    fn value(self) -> Value {
        let mut branch = match self {
            Self::Text(text) => return Value::String(text),
            Self::Branch(branch) => branch,
        };
        if let Some(items) = numbered(&mut branch) {
            return items;
        }
        // `member.1`, `Tag.1`: the name of the items is in between.
        if branch.len() == 1
            && let Some(Self::Branch(inner)) = branch.values_mut().next()
            && let Some(items) = numbered(inner)
        {
            return items;
        }
        Value::Object(branch.into_iter().map(|(name, node)| (name, node.value())).collect())
    }
}

/// The items of a branch whose names are all numbers, in the order of these.
fn numbered(branch: &mut BTreeMap<String, Node>) -> Option<Value> {
    let numbers: Vec<u32> = branch.keys().map(|name| name.parse().ok()).collect::<Option<_>>()?;
    let mut items: Vec<(u32, Node)> = numbers.into_iter().zip(std::mem::take(branch).into_values()).collect();
    items.sort_by_key(|(number, _)| *number);
    Some(items.into_iter().map(|(_, node)| node.value()).collect())
}

/// Renders a result.
pub fn render(dialect: &Dialect, operation: &str, value: &Value, request_id: &str) -> String {
    let mut out = format!("<{operation}Response xmlns=\"{}\"><{operation}Result>", dialect.namespace);
    element(dialect, "", value, &mut out);
    out.push_str(&format!(
        "</{operation}Result><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
    ));
    out
}

fn element(dialect: &Dialect, name: &str, value: &Value, out: &mut String) {
    let mut tagged = |tag: &str, name: &str, value: &Value| {
        out.push_str(&format!("<{tag}>"));
        element(dialect, name, value, out);
        out.push_str(&format!("</{tag}>"));
    };
    match value {
        // A map, where the dialect says that its items are entries. Source: smithy.io, "AWS Query protocol".
        Value::Object(map) if !name.is_empty() && (dialect.item)(name) == "entry" => {
            for (key, inner) in map {
                tagged("entry", "", &serde_json::json!({ "key": key, "value": inner }));
            }
        }
        Value::Object(map) => {
            for (key, inner) in map.iter().filter(|(_, inner)| !inner.is_null()) {
                tagged(key, key, inner);
            }
        }
        Value::Array(items) => {
            let tag = (dialect.item)(name);
            for inner in items {
                tagged(tag, if super::is_time(name) { name } else { "" }, inner);
            }
        }
        Value::Number(seconds) if super::is_time(name) => {
            out.push_str(&rfc3339(seconds.as_f64().unwrap_or_default()))
        }
        Value::String(text) => out.push_str(&quick_xml::escape::escape(text.as_str())),
        Value::Null => {}
        other => out.push_str(&other.to_string()),
    }
}

/// A time in seconds since the epoch as text, to the millisecond.
fn rfc3339(seconds: f64) -> String {
    let form = time::macros::format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
    );
    let at = time::OffsetDateTime::from_unix_timestamp_nanos((seconds * 1e3).round() as i128 * 1_000_000);
    at.ok().and_then(|at| at.format(&form).ok()).unwrap_or_default()
}

/// Renders an error.
pub(super) fn render_error(dialect: &Dialect, error: &ServiceError, request_id: &str) -> String {
    let fault = if error.status < 500 { "Sender" } else { "Receiver" };
    format!(
        "<ErrorResponse xmlns=\"{}\"><Error><Type>{fault}</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
        dialect.namespace,
        error.code,
        quick_xml::escape::escape(error.message.as_str())
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn input(form: &str) -> Value {
        read(form.as_bytes()).expect("a form").1
    }

    #[test]
    fn dotted_names_are_structures_and_lists() {
        let (operation, input) = read(
            b"Action=CreateStack&Version=2010-05-15&StackName=a%20b&Capabilities=&Parameters.member.2.ParameterKey=Two\
              &Parameters.member.1.ParameterKey=One&Parameters.member.10.ParameterKey=Ten\
              &Filters.Filter.1.Name=engine&Filters.Filter.1.Values.Value.1=postgres&Scaling.Max=3",
        )
        .expect("a form");
        assert_eq!(operation, "CreateStack");
        assert_eq!(
            input,
            json!({
                "StackName": "a b", "Capabilities": "", "Scaling": { "Max": "3" },
                "Parameters": [{ "ParameterKey": "One" }, { "ParameterKey": "Two" }, { "ParameterKey": "Ten" }],
                "Filters": [{ "Name": "engine", "Values": ["postgres"] }],
            })
        );
        assert_eq!(input_of_one_list(), json!({ "AlarmNames": ["a", "b"] }));
    }

    /// The root stays a structure although a list is all it has.
    fn input_of_one_list() -> Value {
        input("Action=DeleteAlarms&AlarmNames.1=a&AlarmNames.2=b")
    }

    #[test]
    fn a_name_in_two_shapes_is_refused() {
        for form in ["A=1&A=2", "A=1&A.B=2", "A.B=1&A=2", &format!("{}=1", ["a"; 40].join("."))] {
            assert!(read(form.as_bytes()).is_err(), "{form}");
        }
    }

    #[test]
    fn answers_name_their_items_and_escape_their_text() {
        let item = |list: &str| if list == "DBInstances" { "DBInstance" } else { "member" };
        let dialect = Dialect { namespace: "urn:x", item };
        let value = json!({ "DBInstances": [{ "Name": "<a>", "Open": true, "No": null }], "Tags": ["&"] });
        let text = render(&dialect, "Describe", &value, "id");
        assert_eq!(
            text,
            "<DescribeResponse xmlns=\"urn:x\"><DescribeResult><DBInstances><DBInstance><Name>&lt;a&gt;</Name><Open>true</Open></DBInstance></DBInstances>\
             <Tags><member>&amp;</member></Tags></DescribeResult><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></DescribeResponse>"
        );
    }

    proptest! {
        #[test]
        fn no_form_makes_it_panic(form in "[a-c1-3.=&%]{0,60}") {
            let _ = read(form.as_bytes());
        }
    }
}
