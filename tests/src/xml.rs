//! Reading XML as a client reads it: elements and texts, no more of XML than the Query protocol's answers have. What is no
//! well-formed XML fails the test.

use serde_json::{Map, Value};

/// An element.
#[derive(Debug)]
pub struct Element {
    /// Its name.
    pub name: String,
    /// The elements in it.
    pub children: Vec<Element>,
    /// The text in it, if no elements are.
    pub text: String,
}

impl Element {
    /// Reads a document.
    #[must_use]
    pub fn read(document: &str) -> Self {
        let mut rest = document.trim_start();
        let root = element(&mut rest);
        assert!(rest.trim().is_empty(), "more than one root: {document}");
        root
    }

    /// The first element of that name in it.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// What it holds: a list of `<member>`s as an array, a map's `<entry>`s and other elements as an object, a text as a
    /// text. An empty list looks like an empty text, see [`list`].
    #[must_use]
    pub fn value(&self) -> Value {
        let all_are = |name: &str| self.children.iter().all(|child| child.name == name);
        if self.children.is_empty() {
            return Value::String(self.text.clone());
        }
        if all_are("member") {
            return self.children.iter().map(Self::value).collect();
        }
        if all_are("entry") {
            return Value::Object(self.children.iter().map(Self::entry).collect());
        }
        let named = self.children.iter().map(|child| (child.name.clone(), child.value()));
        let members: Map<String, Value> = named.collect();
        assert_eq!(members.len(), self.children.len(), "{} has two members of one name", self.name);
        Value::Object(members)
    }

    fn entry(&self) -> (String, Value) {
        let part = |name: &str| self.child(name).unwrap_or_else(|| panic!("an entry without {name}"));
        (part("key").text.clone(), part("value").value())
    }
}

/// The elements of a list that came as XML, where an empty one looks like an empty text.
#[must_use]
pub fn list(value: &Value) -> &[Value] {
    if *value == "" { &[] } else { value.as_array().unwrap_or_else(|| panic!("no list: {value}")) }
}

fn element(rest: &mut &str) -> Element {
    let tag = between(rest, "<", ">");
    let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
    let name = tag.split_whitespace().next().expect("a tag has a name").to_owned();
    let mut element = Element { name, children: Vec::new(), text: String::new() };
    if is_empty {
        return element;
    }
    loop {
        let text = before(rest, '<');
        element.text.push_str(&unescaped(text));
        if rest.starts_with("</") {
            assert_eq!(between(rest, "</", ">"), element.name, "an element is closed by another's tag");
            break;
        }
        element.children.push(self::element(rest));
    }
    assert!(
        element.children.is_empty() || element.text.trim().is_empty(),
        "{element:?} mixes text and elements"
    );
    element
}

/// Takes what is between those two, and them.
fn between<'a>(rest: &mut &'a str, open: &str, close: &str) -> &'a str {
    let inner = rest.strip_prefix(open).unwrap_or_else(|| panic!("no {open} in {rest:.80}"));
    let (inner, after) = inner.split_once(close).unwrap_or_else(|| panic!("no {close} in {rest:.80}"));
    *rest = after;
    inner
}

/// Takes what comes before that.
fn before<'a>(rest: &mut &'a str, stop: char) -> &'a str {
    let at = rest.find(stop).unwrap_or_else(|| panic!("it ends within an element: {rest:.80}"));
    let (text, after) = rest.split_at(at);
    *rest = after;
    text
}

fn unescaped(text: &str) -> String {
    let mut parts = text.split('&');
    let mut read = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (reference, after) = part.split_once(';').unwrap_or_else(|| panic!("a bare & in {text}"));
        read.push(match reference {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            "#xD" => '\r',
            other => panic!("an unknown reference &{other};"),
        });
        read.push_str(after);
    }
    read
}
