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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Blob, FaultKind, IsoTimestamp, Members, SecretText, Sensitive, UrlEncoded};
    use keys::Moment;
    use std::collections::BTreeMap;

    crate::output! {
        /// A user.
        pub struct User {
            required name: String = "UserName",
            required created: IsoTimestamp = "CreateDate",
            optional tags: Members<String> = "Tags",
        }
    }

    crate::output! {
        /// An answer.
        pub struct Answer {
            required users: Members<User> = "Users",
            required is_truncated: bool = "IsTruncated",
            optional marker: String = "Marker",
            optional policy: UrlEncoded = "PolicyDocument",
            optional secret: SecretText = "SecretAccessKey",
            optional summary: BTreeMap<String, u64> = "SummaryMap",
            optional blob: Blob = "Blob",
        }
    }

    const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

    fn nothing() -> Answer {
        Answer {
            users: Members(Vec::new()),
            is_truncated: false,
            marker: None,
            policy: None,
            secret: None,
            summary: None,
            blob: None,
        }
    }

    fn written(answer: &Answer) -> String {
        let body = String::from_utf8(super::answer("ListUsers", NAMESPACE, answer, &"id").unwrap()).unwrap();
        let body = body.strip_prefix(&format!(r#"<ListUsersResponse xmlns="{NAMESPACE}"><ListUsersResult>"#));
        let end = "</ListUsersResult><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></ListUsersResponse>";
        body.unwrap().strip_suffix(end).unwrap().to_owned()
    }

    #[test]
    fn a_list_has_members_and_an_empty_one_is_an_empty_element() {
        let user = |name: &str, tags| User {
            name: name.to_owned(),
            created: IsoTimestamp(Moment::from_millis(1_704_164_645_678)),
            tags,
        };
        assert_eq!(written(&nothing()), "<Users/><IsTruncated>false</IsTruncated>");
        let users = [user("a", None), user("b", Some(Members(vec!["x".to_owned()])))].into_iter().collect();
        assert_eq!(
            written(&Answer { users, ..nothing() }),
            "<Users><member><UserName>a</UserName><CreateDate>2024-01-02T03:04:05Z</CreateDate></member>\
             <member><UserName>b</UserName><CreateDate>2024-01-02T03:04:05Z</CreateDate>\
             <Tags><member>x</member></Tags></member></Users><IsTruncated>false</IsTruncated>"
        );
    }

    #[test]
    fn a_map_has_entries() {
        let summary = Some([("Groups".to_owned(), 1), ("Users".to_owned(), 2)].into_iter().collect());
        assert!(written(&Answer { summary, ..nothing() }).ends_with(
            "<SummaryMap><entry><key>Groups</key><value>1</value></entry>\
             <entry><key>Users</key><value>2</value></entry></SummaryMap>"
        ));
    }

    #[test]
    fn text_is_read_as_it_was_written() {
        let marker = Some("<a href=\"b\">&amp;</a>\r\n\t\u{0}\u{1f}\u{ffff}ü".to_owned());
        assert!(written(&Answer { marker, ..nothing() }).ends_with(
            "<Marker>&lt;a href=\"b\"&gt;&amp;amp;&lt;/a&gt;&#xD;\n\t\u{fffd}\u{fffd}\u{fffd}ü</Marker>"
        ));
        let marker = Some(String::new());
        assert!(written(&Answer { marker, ..nothing() }).ends_with("<Marker/>"));
    }

    #[test]
    fn a_policy_goes_out_percent_encoded_and_a_secret_as_it_is() {
        let policy = Some(UrlEncoded(r#"{"Action": "kms:*~-._"}"#.to_owned()));
        assert!(
            written(&Answer { policy, ..nothing() })
                .ends_with("<PolicyDocument>%7B%22Action%22%3A%20%22kms%3A%2A~-._%22%7D</PolicyDocument>")
        );
        let secret = Some(SecretText(Sensitive::new("wJalr/XUtn+".to_owned())));
        let answer = Answer { secret, ..nothing() };
        assert!(!format!("{answer:?}").contains("wJalr"));
        assert!(written(&answer).ends_with("<SecretAccessKey>wJalr/XUtn+</SecretAccessKey>"));
        assert!(
            written(&Answer { blob: Some(Blob(vec![0xff])), ..nothing() }).ends_with("<Blob>/w==</Blob>")
        );
    }

    #[test]
    fn an_operation_without_output_has_no_result() {
        let body = super::answer("DeleteUser", NAMESPACE, &(), &7).unwrap();
        assert_eq!(
            String::from_utf8(body).unwrap(),
            "<DeleteUserResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
             <ResponseMetadata><RequestId>7</RequestId></ResponseMetadata></DeleteUserResponse>"
        );
    }

    #[test]
    fn an_error_says_whose_fault_it_is() {
        let fault = |fault: &Fault| String::from_utf8(super::fault(fault, "ns", &"id")).unwrap();
        assert_eq!(
            fault(&Fault::new(FaultKind::UnrecognizedClient, "no <such> key")),
            "<ErrorResponse xmlns=\"ns\"><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code>\
             <Message>no &lt;such&gt; key</Message></Error><RequestId>id</RequestId></ErrorResponse>"
        );
        assert_eq!(
            fault(&Fault::bare(FaultKind::KmsInternal)),
            "<ErrorResponse xmlns=\"ns\"><Error><Type>Receiver</Type><Code>InternalFailure</Code></Error>\
             <RequestId>id</RequestId></ErrorResponse>"
        );
    }

    #[test]
    fn what_has_no_place_in_xml_is_an_error_and_not_a_wrong_answer() {
        #[derive(Serialize)]
        enum Choice {
            Of(u8),
        }
        let mut xml = Xml { written: String::new() };
        assert!(Choice::Of(1).serialize(&mut xml).is_err());
        assert!((1, 2).serialize(&mut xml).is_err());
    }
}
