//! Pages of lists. A marker is the key of the last entry that was shown, as CloudFront's are.

use crate::sandbox::call::{RawRequest, ServiceError};

use super::{refused, target::query, xml::Node};

/// Most entries of a page, and how many it has where nothing is said. Source: API reference, ListDistributions.
const MOST: usize = 100;

/// One page of a list.
pub(super) struct Page {
    marker: String,
    next: Option<String>,
    most: usize,
    items: Vec<Node>,
}

impl Page {
    /// The page that a request asks for, of entries that are in order.
    ///
    /// # Errors
    /// When it asks for no number of entries.
    pub fn of(request: &RawRequest, entries: Vec<(String, Node)>) -> Result<Self, ServiceError> {
        let marker = query(request, "Marker").unwrap_or_default();
        let most = match query(request, "MaxItems") {
            None => MOST,
            Some(text) => match text.parse() {
                Ok(most @ 1..) => MOST.min(most),
                _ => {
                    return Err(refused(
                        400,
                        "InvalidArgument",
                        format!("`{text}` is not a number of items"),
                    ));
                }
            },
        };
        // An entry that is gone since leaves the next one at its place, where the entries are in the order of their keys.
        let found = entries.iter().position(|(key, _)| *key == marker).map(|at| at + 1);
        let start = found.unwrap_or_else(|| entries.partition_point(|(key, _)| *key <= marker));
        let start = if marker.is_empty() { 0 } else { start };
        let left = entries.len() - start;
        let shown: Vec<(String, Node)> = entries.into_iter().skip(start).take(most).collect();
        let next = shown.last().filter(|_| left > most).map(|(key, _)| key.clone());
        Ok(Self { marker, next, most, items: shown.into_iter().map(|(_, item)| item).collect() })
    }

    /// As distributions and invalidations are listed.
    pub fn marked(self, name: &str) -> Node {
        let mut head = vec![Node::leaf("Marker", self.marker)];
        head.extend(self.next.as_ref().map(|next| Node::leaf("NextMarker", next)));
        head.push(Node::leaf("MaxItems", self.most.to_string()));
        head.push(Node::leaf("IsTruncated", self.next.is_some().to_string()));
        head.extend(Node::list("", self.items).children);
        Node::branch(name, head)
    }

    /// As functions and stores are listed.
    pub fn plain(self, name: &str) -> Node {
        let mut head: Vec<Node> =
            self.next.as_ref().map(|next| Node::leaf("NextMarker", next)).into_iter().collect();
        head.push(Node::leaf("MaxItems", self.most.to_string()));
        head.extend(Node::list("", self.items).children);
        Node::branch(name, head)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bytes::Bytes;

    use super::*;

    #[test]
    fn pages_show_each_entry_once_and_say_where_the_next_begins() {
        let request = |query: String| RawRequest {
            method: "GET".into(),
            path: String::new(),
            query,
            headers: BTreeMap::new(),
            body: Bytes::new(),
        };
        let page = |query: &str| {
            let entries = ["a", "b", "c", "e"].map(|key| (key.to_owned(), Node::leaf("I", key))).to_vec();
            Page::of(&request(query.to_owned()), entries)
        };
        let first = page("MaxItems=2").expect("a page").marked("L");
        assert_eq!(
            (first.text("NextMarker"), first.text("IsTruncated"), first.text("Quantity")),
            ("b", "true", "2")
        );
        let last = page("MaxItems=2&Marker=b").expect("a page").marked("L");
        assert_eq!(
            (last.text("Marker"), last.text("IsTruncated"), last.items("Items").len()),
            ("b", "false", 0)
        );
        assert_eq!(last.child("Items").map(|items| items.children.len()), Some(2));
        assert!(last.child("NextMarker").is_none());
        assert_eq!(page("Marker=d").expect("a page").plain("L").text("Quantity"), "1");
        assert!(page("MaxItems=0").is_err() && page("MaxItems=x").is_err());
    }
}
