//! JSON written straight into bytes: [`object`] makes the parameters and elements that a record carries.
//!
//! What comes out is always one line of valid JSON: names and strings are escaped so that no control character and no line or
//! paragraph separator stands in the text, whatever a caller sent. This module never reads JSON.

use std::io::Write;

/// A JSON object that was rendered by this module, and so is valid and one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Json(Vec<u8>);

impl Json {
    /// The text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Renders an object with the members that `write` adds, in that order.
pub fn object(write: impl FnOnce(&mut Object<'_>)) -> Json {
    let mut out = Vec::with_capacity(TYPICAL_LENGTH);
    write_object(&mut out, write);
    Json(out)
}

/// An object being written. The caller sees to it that no name comes twice.
#[derive(Debug)]
pub struct Object<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

impl Object<'_> {
    /// Adds a string.
    pub fn string(&mut self, name: &str, value: &str) {
        self.name(name);
        write_string(self.out, value);
    }

    /// Adds a whole number.
    pub fn number(&mut self, name: &str, value: i64) {
        self.name(name);
        write_number(self.out, value);
    }

    /// Adds `true` or `false`.
    pub fn boolean(&mut self, name: &str, value: bool) {
        self.name(name);
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// Adds `null`.
    pub fn null(&mut self, name: &str) {
        self.name(name);
        self.out.extend_from_slice(b"null");
    }

    /// Adds an object that was rendered before.
    pub fn json(&mut self, name: &str, value: &Json) {
        self.name(name);
        self.out.extend_from_slice(&value.0);
    }

    /// Adds the members of an object that was rendered before.
    pub fn members(&mut self, of: &Json) {
        let inner = of.0.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}")).unwrap_or_default();
        if !inner.is_empty() {
            separate(self.out, &mut self.empty);
            self.out.extend_from_slice(inner);
        }
    }

    /// Adds an object.
    pub fn object(&mut self, name: &str, write: impl FnOnce(&mut Object<'_>)) {
        self.name(name);
        write_object(self.out, write);
    }

    /// Adds a list.
    pub fn array(&mut self, name: &str, write: impl FnOnce(&mut Array<'_>)) {
        self.name(name);
        self.out.push(b'[');
        write(&mut Array { out: self.out, empty: true });
        self.out.push(b']');
    }

    fn name(&mut self, name: &str) {
        separate(self.out, &mut self.empty);
        write_string(self.out, name);
        self.out.push(b':');
    }
}

/// A list being written.
#[derive(Debug)]
pub struct Array<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

impl Array<'_> {
    /// Adds a string.
    pub fn string(&mut self, value: &str) {
        separate(self.out, &mut self.empty);
        write_string(self.out, value);
    }

    /// Adds an object.
    pub fn object(&mut self, write: impl FnOnce(&mut Object<'_>)) {
        separate(self.out, &mut self.empty);
        write_object(self.out, write);
    }
}

/// Writes `value` in quotation marks.
pub(crate) fn write_string(out: &mut Vec<u8>, value: &str) {
    out.push(b'"');
    let mut rest = value;
    while let Some((plain, odd)) = first_odd(rest.as_bytes()).and_then(|at| rest.split_at_checked(at)) {
        out.extend_from_slice(plain.as_bytes());
        let mut characters = odd.chars();
        if let Some(character) = characters.next() {
            write_character(out, character);
        }
        rest = characters.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
    out.push(b'"');
}

fn write_object(out: &mut Vec<u8>, write: impl FnOnce(&mut Object<'_>)) {
    out.push(b'{');
    write(&mut Object { out, empty: true });
    out.push(b'}');
}

fn write_number(out: &mut Vec<u8>, value: i64) {
    // Writing to a vector cannot fail.
    let _ = write!(out, "{value}");
}

fn separate(out: &mut Vec<u8>, empty: &mut bool) {
    if !std::mem::replace(empty, false) {
        out.push(b',');
    }
}

/// Where the first character is that may not be written as it stands.
fn first_odd(bytes: &[u8]) -> Option<usize> {
    // Most text is plain, and a whole chunk is seen to be so in a few instructions; the last chunk may overlap the one before.
    let plain = |chunk: &[u8]| !chunk.iter().fold(false, |odd, byte| odd | is_odd(*byte));
    if bytes.last_chunk::<CHUNK>().is_some_and(|last| plain(last) && bytes.chunks_exact(CHUNK).all(plain)) {
        return None;
    }
    bytes.iter().position(|byte| is_odd(*byte))
}

/// Whether a byte is a control, a quotation mark, a backslash, or begins a character of U+0080 to U+00BF or U+2000 to U+2FFF.
const fn is_odd(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\') | (byte == 0x7f) | (byte == 0xc2) | (byte == 0xe2)
}

fn write_character(out: &mut Vec<u8>, character: char) {
    match character {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        // C1 controls steer terminals, and U+2028 and U+2029 end lines for some readers.
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
            let _ = write!(out, "\\u{:04x}", u32::from(character));
        }
        _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

const TYPICAL_LENGTH: usize = 256;

/// As many bytes as a vector register holds.
const CHUNK: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(value: &str) -> String {
        let mut out = Vec::new();
        write_string(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_object_keeps_the_order_of_its_members() {
        let json = object(|o| {
            o.string("keyId", "alias/a");
            o.number("pendingWindowInDays", -7);
            o.boolean("multiRegion", false);
            o.null("policy");
            o.object("encryptionContext", |c| c.string("a", "b"));
            o.array("tags", |tags| {
                tags.object(|tag| tag.string("tagKey", "k"));
                tags.object(|_| {});
                tags.string("plain");
            });
            o.json("nested", &object(|_| {}));
        });
        assert_eq!(
            String::from_utf8(json.as_bytes().to_vec()).unwrap(),
            r#"{"keyId":"alias/a","pendingWindowInDays":-7,"multiRegion":false,"policy":null,"encryptionContext":{"a":"b"},"tags":[{"tagKey":"k"},{},"plain"],"nested":{}}"#
        );
    }

    #[test]
    fn the_members_of_rendered_objects_stand_beside_others() {
        let (rendered, empty) = (object(|o| o.string("a", "}{")), object(|_| {}));
        let json = object(|o| {
            o.members(&empty);
            o.members(&rendered);
            o.number("b", 1);
            o.members(&empty);
            o.members(&object(|o| o.null("c")));
        });
        assert_eq!(json.as_bytes(), br#"{"a":"}{","b":1,"c":null}"#);
    }

    #[test]
    fn characters_that_break_lines_or_steer_terminals_are_escaped() {
        assert_eq!(
            written("\"\\\n\r\t\0\u{1b}\u{7f}\u{9b}\u{2028}\u{2029}"),
            r#""\"\\\n\r\t\u0000\u001b\u007f\u009b\u2028\u2029""#
        );
    }

    #[test]
    fn other_characters_stand_as_they_are() {
        assert_eq!(written("aé\u{a0}‰€\u{2027}漢😀/"), "\"aé\u{a0}‰€\u{2027}漢😀/\"");
    }

    #[test]
    fn every_character_survives() {
        for character in '\0'..=char::MAX {
            let text = character.to_string();
            assert_eq!(serde_json::from_str::<String>(&written(&text)).unwrap(), text);
        }
    }

    proptest! {
        #[test]
        fn any_names_and_values_survive(members in prop::collection::btree_map(any::<String>(), any::<String>(), 0..8)) {
            let json = object(|o| members.iter().for_each(|(name, value)| o.string(name, value)));
            let text = std::str::from_utf8(json.as_bytes()).unwrap();
            prop_assert!(!text.chars().any(char::is_control));
            let read: std::collections::BTreeMap<String, String> = serde_json::from_str(text).unwrap();
            prop_assert_eq!(read, members);
        }
    }
}
