//! What requests and answers are: elements with a name, and either a text or other elements.
//!
//! Invariants: what is written is read as the same tree, whatever a client's texts hold; a body that is none is refused,
//! and none makes the reader panic or nest without end. It refuses to know which elements there are.

use quick_xml::{
    Reader,
    escape::{escape, resolve_predefined_entity},
    events::Event,
};
use serde::{Deserialize, Serialize};

/// Namespace of every document. Source: CloudFront API reference.
const NAMESPACE: &str = "http://cloudfront.amazonaws.com/doc/2020-05-31/";

/// Deepest tree that any operation has is far below this.
const DEEPEST: usize = 32;

/// Most elements; a batch of invalidations has some thousands.
const MOST: usize = 100_000;

/// Why a body is no document.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// It breaks the rules of XML.
    #[error("the body is not well-formed XML: {0}")]
    Syntax(String),
    /// A letter that no document may have. Source: XML 1.0, section 2.2.
    #[error("the body has a character that XML does not allow")]
    Letter,
    /// An entity that nobody said anything about.
    #[error("there is no entity {0}")]
    Entity(String),
    /// Elements in elements in elements.
    #[error("the body nests deeper than {DEEPEST} elements")]
    Deep,
    /// More elements than any request has.
    #[error("the body has more than {MOST} elements")]
    Many,
    /// No element, or more than one.
    #[error("the body is not one element")]
    Root,
}

/// An element.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Without its prefix.
    pub name: String,
    /// Empty where it has children.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// In the order in which they are written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Node>,
}

fn syntax(error: impl std::fmt::Display) -> Malformed {
    Malformed::Syntax(error.to_string())
}

/// The name of an element, without its prefix.
fn name(local: &[u8]) -> Result<&str, Malformed> {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.".contains(b);
    match std::str::from_utf8(local) {
        Ok(name) if !name.is_empty() && local.iter().all(plain) => Ok(name),
        _ => Err(syntax("an element has a name that CloudFront does not know")),
    }
}

/// Whether XML allows a letter.
fn allowed(letter: char) -> bool {
    !matches!(letter, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

impl Node {
    /// An element with a text.
    pub fn leaf(name: &str, text: impl Into<String>) -> Self {
        Self { name: name.to_owned(), text: text.into(), children: Vec::new() }
    }

    /// An element with others in it.
    pub fn branch(name: &str, children: Vec<Self>) -> Self {
        Self { name: name.to_owned(), text: String::new(), children }
    }

    /// The same element by another name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// A list as CloudFront writes it: how many, and the items.
    pub fn list(name: &str, items: Vec<Self>) -> Self {
        let mut children = vec![Self::leaf("Quantity", items.len().to_string())];
        if !items.is_empty() {
            children.push(Self::branch("Items", items));
        }
        Self::branch(name, children)
    }

    /// Reads a document.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(body: &[u8]) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(body).map_err(syntax)?;
        let mut reader = Reader::from_str(text);
        // The elements that are open, within one that is nobody's.
        let mut open = vec![Self::default()];
        let mut count = 0;
        loop {
            let event = reader.read_event().map_err(syntax)?;
            let depth = open.len();
            let Some(top) = open.last_mut() else { return Err(Malformed::Root) };
            match event {
                Event::Start(_) | Event::Empty(_) if count == MOST => return Err(Malformed::Many),
                Event::Start(_) if depth > DEEPEST => return Err(Malformed::Deep),
                Event::Start(tag) => {
                    count += 1;
                    open.push(Self::leaf(name(tag.local_name().as_ref())?, ""));
                }
                Event::Empty(tag) => {
                    count += 1;
                    top.children.push(Self::leaf(name(tag.local_name().as_ref())?, ""));
                }
                Event::End(_) => {
                    let mut done = open.pop().unwrap_or_default();
                    if !done.text.chars().all(allowed) {
                        return Err(Malformed::Letter);
                    }
                    if !done.children.is_empty() {
                        done.text.clear();
                    }
                    open.last_mut().ok_or(Malformed::Root)?.children.push(done);
                }
                Event::Text(part) => {
                    // A line ends in one letter, however it was written. Source: XML 1.0, section 2.11.
                    let part = part.decode().map_err(syntax)?;
                    top.text.push_str(&part.replace("\r\n", "\n").replace('\r', "\n"));
                }
                Event::CData(part) => top.text.push_str(&part.decode().map_err(syntax)?),
                // `&lt;` and its likes come apart from the text around them.
                Event::GeneralRef(named) => match named.resolve_char_ref().map_err(syntax)? {
                    Some(letter) => top.text.push(letter),
                    None => {
                        let named = named.decode().map_err(syntax)?;
                        let meant = resolve_predefined_entity(&named);
                        top.text
                            .push_str(meant.ok_or_else(|| Malformed::Entity(named.clone().into_owned()))?);
                    }
                },
                Event::Eof if depth > 1 => return Err(syntax("an element is not closed")),
                Event::Eof => break,
                _ => {}
            }
        }
        let mut outside = open.pop().unwrap_or_default();
        match outside.children.pop() {
            Some(root) if outside.children.is_empty() && outside.text.trim().is_empty() => Ok(root),
            _ => Err(Malformed::Root),
        }
    }

    /// The whole document.
    pub fn document(&self) -> String {
        let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
        self.write(&format!(" xmlns=\"{NAMESPACE}\""), &mut out);
        out
    }

    fn write(&self, attributes: &str, out: &mut String) {
        let name = &self.name;
        out.push_str(&format!("<{name}{attributes}>"));
        // A bare carriage return would be read as the end of a line.
        out.push_str(&escape(self.text.as_str()).replace('\r', "&#13;"));
        for child in &self.children {
            child.write("", out);
        }
        out.push_str(&format!("</{name}>"));
    }

    /// The first child of this name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The element at a path, as `Origins/Items`.
    pub fn at(&self, path: &str) -> Option<&Self> {
        path.split('/').try_fold(self, |node, name| node.child(name))
    }

    /// The text at a path; empty where there is none.
    pub fn text(&self, path: &str) -> &str {
        self.at(path).map_or("", |node| node.text.as_str())
    }

    /// Whether the text at a path is `true`.
    pub fn is(&self, path: &str) -> bool {
        self.text(path) == "true"
    }

    /// The items of the list at a path.
    pub fn items(&self, path: &str) -> &[Self] {
        self.at(path).and_then(|list| list.child("Items")).map_or(&[], |items| items.children.as_slice())
    }

    /// The items of the list that it is.
    pub fn items_here(&self) -> impl Iterator<Item = &Self> {
        self.child("Items").into_iter().flat_map(|items| &items.children)
    }

    /// Puts a child in the place of one of its name, or behind the others.
    pub fn put(&mut self, child: Self) {
        match self.children.iter_mut().find(|there| there.name == child.name) {
            Some(there) => *there = child,
            None => self.children.push(child),
        }
    }

    /// Gives it the children of another that it has none of by their name.
    pub fn fill(&mut self, defaults: &Self) {
        for child in &defaults.children {
            if self.child(&child.name).is_none() {
                self.children.push(child.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sandbox::testing::cases;

    fn tree() -> impl Strategy<Value = Node> {
        let name = || "[A-Za-z][A-Za-z0-9]{0,6}";
        // Whatever XML can say, and most of all what has to be escaped.
        let text =
            proptest::string::string_regex("[ -~\t\n\r<>&\"'é\u{10000}\u{85}]{0,12}").expect("a pattern");
        let leaf = (name(), text).prop_map(|(name, text)| Node::leaf(&name, text));
        leaf.prop_recursive(5, 40, 6, move |inner| {
            (name(), proptest::collection::vec(inner, 1..6))
                .prop_map(|(name, children)| Node::branch(&name, children))
        })
    }

    proptest! {
        #![proptest_config(cases())]

        #[test]
        fn what_is_written_is_read_as_it_was(tree in tree()) {
            prop_assert_eq!(Node::read(tree.document().as_bytes()).expect("a document"), tree);
        }

        #[test]
        fn no_body_makes_the_reader_panic(
            body in "(<[a-c]>|</[a-c]>|<a/>|<a x='1'>|<!\\[CDATA\\[|\\]\\]>|<!--|-->|<\\?|\\?>|&lt;|&#0;|&#xD800;|&a;|&|<|>|<!DOCTYPE a>|\u{0}|é|x){0,24}",
            bytes in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let _ = Node::read(&bytes);
            // What is read can be written, and is then read as the same.
            if let Ok(tree) = Node::read(body.as_bytes()) {
                prop_assert_eq!(Node::read(tree.document().as_bytes()).expect("a document"), tree);
            }
        }
    }

    #[test]
    fn documents_are_trees_and_others_are_refused() {
        let read = |text: &str| Node::read(text.as_bytes());
        let tree =
            read("<?xml version='1.0'?>\n<x:A xmlns:x='u'> <B>a &lt; &#98;<![CDATA[<]]></B>\n<C/></x:A>\n")
                .expect("a document");
        assert_eq!(tree, Node::branch("A", vec![Node::leaf("B", "a < b<"), Node::leaf("C", "")]));
        assert_eq!((tree.text("B"), tree.text("D/E"), tree.items("B").len()), ("a < b<", "", 0));
        let deep = format!("{}{}", "<a>".repeat(40), "</a>".repeat(40));
        for body in [
            "",
            "text",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a>&nothing;</a>",
            "<a>\u{1}</a>",
            "<a>&#1;</a>",
            &deep,
        ] {
            assert!(read(body).is_err(), "{body}");
        }
        let listed = Node::list("L", vec![Node::leaf("I", "1"), Node::leaf("I", "2")]);
        assert_eq!((listed.text("Quantity"), listed.children[1].children.len()), ("2", 2));
    }
}
