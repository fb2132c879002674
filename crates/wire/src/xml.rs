//! The Query protocol's answers: what an operation answers, and its errors, as XML.
//!
//! Structures are the same as in JSON. A list's elements are `<member>`s, a map's `<entry>`s of `<key>` and `<value>`; what is
//! absent is left out, and what is empty is an empty element.

use crate::{Fault, Output};
use serde::ser::{Impossible, SerializeMap, SerializeSeq, SerializeStruct};
use serde::{Serialize, Serializer};
use std::fmt::{Display, Write};

/// The content type of an answer in the Query protocol.
pub const CONTENT_TYPE: &str = "text/xml";

/// The namespace of errors that are found before it is known which service is meant.
pub const FAULT_NAMESPACE: &str = "http://webservices.amazon.com/AWSFault/2005-15-09";

/// The body of an answer: `<ActionResponse>`, with an `<ActionResult>` unless the operation answers nothing.
pub fn answer<T: Output>(
    action: &str,
    namespace: &str,
    output: &T,
    request_id: &dyn Display,
) -> Result<Vec<u8>, Unwritable> {
    document(&format!("{action}Response"), namespace, |xml| {
        if T::HAS_BODY {
            xml.value(&format!("{action}Result"), output)?;
        }
        xml.element("ResponseMetadata", |xml| xml.text("RequestId", request_id))
    })
}

/// The body of an answer with an error.
#[must_use]
pub fn fault(fault: &Fault, namespace: &str, request_id: &dyn Display) -> Vec<u8> {
    let kind = fault.kind();
    let blame = if kind.query_status() < 500 { "Sender" } else { "Receiver" };
    let written = document("ErrorResponse", namespace, |xml| {
        xml.element("Error", |xml| {
            xml.text("Type", &blame)?;
            xml.text("Code", &kind.query_name())?;
            fault.message().map_or(Ok(()), |message| xml.text("Message", &message))
        })?;
        xml.text("RequestId", request_id)
    });
    // INVARIANT: text can always be written.
    written.unwrap_or_default()
}

/// Why an answer cannot be written as XML: its type holds what has no place there.
#[derive(Debug, thiserror::Error)]
#[error("an answer cannot be written as XML: {0}")]
pub struct Unwritable(String);

impl serde::ser::Error for Unwritable {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

fn document(
    root: &str,
    namespace: &str,
    content: impl FnOnce(&mut Xml) -> Result<(), Unwritable>,
) -> Result<Vec<u8>, Unwritable> {
    let mut xml = Xml { written: format!(r#"<{root} xmlns="{namespace}">"#) };
    content(&mut xml)?;
    xml.push(format_args!("</{root}>"));
    Ok(xml.written.into_bytes())
}

/// What is written so far. As a serializer it writes the content of the element that is open.
struct Xml {
    written: String,
}

impl Xml {
    /// An element with that content.
    fn element(
        &mut self,
        name: &str,
        content: impl FnOnce(&mut Self) -> Result<(), Unwritable>,
    ) -> Result<(), Unwritable> {
        self.push(format_args!("<{name}>"));
        let begin = self.written.len();
        content(self)?;
        if self.written.len() == begin {
            self.written.pop();
            self.written.push_str("/>");
        } else {
            self.push(format_args!("</{name}>"));
        }
        Ok(())
    }

    /// An element with that value.
    fn value<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Unwritable> {
        self.element(name, |xml| value.serialize(xml))
    }

    /// An element with that text.
    fn text(&mut self, name: &str, text: &dyn Display) -> Result<(), Unwritable> {
        self.element(name, |xml| {
            xml.escaped(text);
            Ok(())
        })
    }

    fn escaped(&mut self, text: &dyn Display) {
        // Writing into a string cannot fail.
        let _ = write!(Escaped(&mut self.written), "{text}");
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        let _ = self.written.write_fmt(text);
    }
}

/// Writes text so that an XML 1.0 parser reads the same text. The characters that no XML can hold become U+FFFD.
struct Escaped<'a>(&'a mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                // As itself it would be read as a line feed.
                '\r' => self.0.push_str("&#xD;"),
                '\t' | '\n' => self.0.push(c),
                '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => self.0.push(char::REPLACEMENT_CHARACTER),
                _ => self.0.push(c),
            }
        }
        Ok(())
    }
}

macro_rules! as_text {
    ($($method:ident $kind:ty,)+) => {$(
        fn $method(self, value: $kind) -> Result<(), Unwritable> {
            self.escaped(&value);
            Ok(())
        }
    )+};
}

impl<'a> Serializer for &'a mut Xml {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Content<'a>;
    type SerializeTuple = Impossible<(), Unwritable>;
    type SerializeTupleStruct = Impossible<(), Unwritable>;
    type SerializeTupleVariant = Impossible<(), Unwritable>;
    type SerializeMap = Content<'a>;
    type SerializeStruct = Content<'a>;
    type SerializeStructVariant = Impossible<(), Unwritable>;

    as_text! {
        serialize_bool bool,
        serialize_i8 i8,
        serialize_i16 i16,
        serialize_i32 i32,
        serialize_i64 i64,
        serialize_u8 u8,
        serialize_u16 u16,
        serialize_u32 u32,
        serialize_u64 u64,
        serialize_f32 f32,
        serialize_f64 f64,
        serialize_char char,
        serialize_str &str,
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Unwritable> {
        no_place("bytes")
    }

    fn serialize_none(self) -> Result<(), Unwritable> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unwritable> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unwritable> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Result<(), Unwritable> {
        self.serialize_str(name)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: &T,
    ) -> Result<(), Unwritable> {
        no_place(name)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Content<'a>, Unwritable> {
        Ok(Content(self))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Unwritable> {
        no_place("a tuple")
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Unwritable> {
        no_place(name)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unwritable> {
        no_place(name)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Content<'a>, Unwritable> {
        Ok(Content(self))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Content<'a>, Unwritable> {
        Ok(Content(self))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unwritable> {
        no_place(name)
    }
}

/// The content of a list, a map or a structure.
struct Content<'a>(&'a mut Xml);

impl SerializeSeq for Content<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.0.value("member", value)
    }

    fn end(self) -> Result<(), Unwritable> {
        Ok(())
    }
}

impl SerializeMap for Content<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        self.0.push(format_args!("<entry>"));
        self.0.value("key", key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.0.value("value", value)?;
        self.0.push(format_args!("</entry>"));
        Ok(())
    }

    fn end(self) -> Result<(), Unwritable> {
        Ok(())
    }
}

impl SerializeStruct for Content<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        self.0.value(name, value)
    }

    fn end(self) -> Result<(), Unwritable> {
        Ok(())
    }
}

fn no_place<T>(what: &str) -> Result<T, Unwritable> {
    Err(Unwritable(what.to_owned()))
}
