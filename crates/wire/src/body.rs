//! A request's body: from bytes to a value whose type says that it is within AWS's limits.

use crate::input::Nullable;
use crate::member::Member;
use crate::query::Form;
use crate::{Fault, FaultKind, MemberShape, Path, Shape, Violations};
use serde::de::{DeserializeSeed, IgnoredAny};

/// What an operation takes. A value of such a type is already within AWS's limits.
pub trait Input: Member {
    /// The members, for comparison with the service model.
    fn members() -> &'static [MemberShape] {
        match Self::SHAPE {
            Shape::Structure(members) => members,
            _ => &[],
        }
    }

    /// Reads the body of a request. An empty body stands for `{}`.
    fn parse(body: &[u8]) -> Result<Self, Fault> {
        checked(read::<Self>(if body.is_empty() { b"{}" } else { body })?, Violations::default())
    }

    /// Reads a request in the Query protocol, whose messages show no values.
    fn parse_query(form: &Form) -> Result<Self, Fault> {
        let members = form.members(Self::members())?;
        let raw = Nullable::<Self>::new().deserialize(members).map_err(|error| serialization(&error))?;
        checked(raw.ok_or_else(|| Fault::bare(FaultKind::Serialization))?, Violations::without_values())
    }
}

/// Holds what was read against its limits.
fn checked<T: Input>(raw: T::Raw, mut violations: Violations) -> Result<T, Fault> {
    let input = T::check(raw, &Path::ROOT, &mut violations);
    match (violations.into_fault(), input) {
        (None, Some(input)) => Ok(input),
        (Some(fault), _) => Err(fault),
        // INVARIANT: a member that yields no value has said why.
        (None, None) => Err(Fault::bare(FaultKind::KmsInternal)),
    }
}

/// Whether the bytes are one JSON value, as AWS's front end wants to know before anything else. No bytes stand for `{}`.
#[must_use]
pub fn is_json(body: &[u8]) -> bool {
    std::str::from_utf8(body)
        .is_ok_and(|body| body.is_empty() || serde_json::from_str::<IgnoredAny>(body).is_ok())
}

fn read<T: Member>(body: &[u8]) -> Result<T::Raw, Fault> {
    let body = std::str::from_utf8(body).map_err(|_| Fault::bare(FaultKind::Serialization))?;
    let mut json = serde_json::Deserializer::from_str(body);
    let raw = Nullable::<T>::new().deserialize(&mut json).map_err(|error| serialization(&error))?;
    json.end().map_err(|error| serialization(&error))?;
    raw.ok_or_else(|| Fault::bare(FaultKind::Serialization))
}

/// A body that is no JSON is refused without a word, a member of the wrong type with one.
fn serialization(error: &serde_json::Error) -> Fault {
    if !error.is_data() {
        return Fault::bare(FaultKind::Serialization);
    }
    let text = error.to_string();
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    Fault::new(FaultKind::Serialization, message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::member::{
        AliasName, EncryptionContext, GrantTokens, KeyIdText, Limit, Plaintext, ResourceOwners, TagKeys, Tags,
    };
    use keys::EncryptionAlgorithm;
    use proptest::prelude::*;

    crate::input! {
        /// One member of every kind.
        pub struct Everything {
            required key_id: KeyIdText = "KeyId",
            optional alias_name: AliasName = "AliasName",
            optional plaintext: Plaintext = "Plaintext",
            optional algorithm: EncryptionAlgorithm = "EncryptionAlgorithm",
            optional context: EncryptionContext = "EncryptionContext",
            optional grant_tokens: GrantTokens = "GrantTokens",
            optional limit: Limit = "Limit",
            optional dry_run: bool = "DryRun",
            optional tags: Tags = "Tags",
            optional tag_keys: TagKeys = "TagKeys",
            optional owners: ResourceOwners = "ResourceOwners",
        }
    }

    #[test]
    fn a_whole_request_is_read() {
        let body = br#"{"KeyId":"k","AliasName":"alias/a","Plaintext":"AQI=","EncryptionAlgorithm":"SYMMETRIC_DEFAULT",
            "EncryptionContext":{"b":"2","a":"1"},"GrantTokens":["t"],"Limit":7,"DryRun":true,
            "Tags":[{"TagKey":"t","TagValue":""}],"TagKeys":["t"],"ResourceOwners":["SELF"]}"#;
        let input = Everything::parse(body).unwrap();
        assert_eq!(input.alias_name.unwrap().as_str(), "alias/a");
        assert_eq!(input.plaintext.unwrap().expose(), &[1, 2]);
        assert_eq!(input.algorithm, Some(EncryptionAlgorithm::SymmetricDefault));
        assert_eq!(input.context.unwrap().0.into_iter().next(), Some(("a".into(), "1".into())));
        assert_eq!(input.grant_tokens.unwrap().0.len(), 1);
        assert_eq!((input.limit.unwrap().value(), input.dry_run), (7, Some(true)));
        assert_eq!(input.tags.unwrap().0.first().unwrap().key.as_str(), "t");
        assert_eq!((input.tag_keys.unwrap().0.len(), input.owners.unwrap().0.len()), (1, 1));
    }

    fn fault(body: &str) -> Fault {
        Everything::parse(body.as_bytes()).unwrap_err()
    }

    fn serialization_message(body: &str) -> String {
        let fault = fault(body);
        assert_eq!(fault.kind(), FaultKind::Serialization, "{body}: {fault}");
        fault.message().unwrap_or_default().to_owned()
    }

    fn constraint(body: &str) -> String {
        let fault = fault(body);
        assert_eq!(fault.kind(), FaultKind::Validation, "{body}: {fault}");
        let message = fault.message().unwrap();
        message.strip_prefix("1 validation error detected: ").unwrap_or(message).to_owned()
    }

    #[test]
    fn unknown_members_are_passed_over_and_null_is_absence() {
        let input =
            Everything::parse(br#"{"KeyId":"a","Colour":{"deep":[1,{"x":null}]},"Limit":null}"#).unwrap();
        assert_eq!(input.key_id.as_str(), "a");
        assert!(input.limit.is_none());
    }

    #[test]
    fn of_a_repeated_member_the_last_one_counts() {
        assert_eq!(Everything::parse(br#"{"KeyId":"a","KeyId":"b"}"#).unwrap().key_id.as_str(), "b");
    }

    #[test]
    fn member_names_are_case_sensitive() {
        assert_eq!(
            constraint(r#"{"keyId":"a"}"#),
            "Value null at 'keyId' failed to satisfy constraint: Member must not be null"
        );
    }

    #[test]
    fn a_body_that_is_no_json_is_refused_without_a_word() {
        for wrong in ["{", "{}{}", "null", "\u{0}", r#"{"KeyId":"\ud800"}"#] {
            assert_eq!(serialization_message(wrong), "", "{wrong:.40}");
        }
        let not_text = b"{\"KeyId\":\"a\",\"Unknown\":\"\xff\"}";
        assert_eq!(Everything::parse(not_text).unwrap_err(), Fault::bare(FaultKind::Serialization));
        assert!(!is_json(not_text));
    }

    #[test]
    fn deep_nesting_costs_no_stack() {
        let deep = format!("{}1{}", "[".repeat(400_000), "]".repeat(400_000));
        assert!(Everything::parse(format!(r#"{{"KeyId":"a","X":{deep}}}"#).as_bytes()).is_ok());
        let message = serialization_message(&format!(r#"{{"KeyId":{deep}}}"#));
        assert_eq!(message, "Start of structure or map found where not expected");
        assert!(is_json(deep.as_bytes()));
    }

    #[test]
    fn no_body_stands_for_an_empty_structure() {
        assert!(constraint("").contains("'keyId'"));
        assert!(is_json(b"") && is_json(b"{}") && !is_json(b"{") && !is_json(b"{} x"));
    }

    #[test]
    fn a_wrong_type_is_named() {
        for (body, message) in [
            (r#"{"KeyId":1}"#, "NUMBER_VALUE cannot be converted to String"),
            (r#"{"KeyId":true}"#, "TRUE_VALUE cannot be converted to String"),
            (r#"{"KeyId":{}}"#, "Start of structure or map found where not expected"),
            (r#"{"KeyId":[]}"#, "Start of structure or map found where not expected"),
            (r#"{"Limit":"1"}"#, "STRING_VALUE cannot be converted to Integer"),
            (r#"{"Limit":1.5}"#, "DECIMAL_VALUE cannot be converted to Integer"),
            (r#"{"DryRun":"true"}"#, "STRING_VALUE cannot be converted to Boolean"),
            (r#"{"Plaintext":"%%"}"#, "Invalid Base64 value"),
            (r#"{"Plaintext":"YQ"}"#, "Invalid Base64 value"),
            (r#"{"Tags":"a"}"#, "Unexpected field type"),
            (r#"{"EncryptionContext":{"a":1}}"#, "NUMBER_VALUE cannot be converted to String"),
            (r#"{"EncryptionContext":[]}"#, "Unexpected token: START_ARRAY"),
            (r#"[]"#, "Unexpected token: START_ARRAY"),
        ] {
            assert_eq!(serialization_message(body), message, "{body}");
        }
    }

    #[test]
    fn each_limit_holds_to_the_letter() {
        let alias = |length| format!(r#"{{"KeyId":"a","AliasName":"{}"}}"#, "a".repeat(length));
        assert!(Everything::parse(alias(256).as_bytes()).is_ok());
        assert_eq!(
            constraint(&alias(257)),
            format!(
                "Value '{}' at 'aliasName' failed to satisfy constraint: Member must have length less than or equal to 256",
                "a".repeat(257)
            )
        );
        let limit = |limit: i64| format!(r#"{{"KeyId":"a","Limit":{limit}}}"#);
        assert!(
            Everything::parse(limit(1).as_bytes()).is_ok()
                && Everything::parse(limit(1000).as_bytes()).is_ok()
        );
        assert_eq!(
            constraint(&limit(1001)),
            "Value '1001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 1000"
        );
        assert_eq!(
            constraint(&limit(0)),
            "Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"
        );
    }

    #[test]
    fn length_counts_characters_not_bytes() {
        let body = |text: &str| format!(r#"{{"KeyId":"{text}"}}"#);
        assert!(Everything::parse(body(&"ü".repeat(2048)).as_bytes()).is_ok());
        assert!(constraint(&body(&"ü".repeat(2049))).contains("less than or equal to 2048"));
    }

    #[test]
    fn an_empty_text_matches_no_pattern_that_asks_for_a_character() {
        let message = constraint(r#"{"KeyId":"a","AliasName":""}"#);
        assert!(message.starts_with("2 validation errors detected: "), "{message}");
        assert!(
            message.contains("greater than or equal to 1") && message.contains("pattern: ^[a-zA-Z0-9:/_-]+$")
        );
    }

    #[test]
    fn a_plaintext_is_never_shown() {
        let body = format!(r#"{{"KeyId":"a","Plaintext":"{}"}}"#, "A".repeat(5464));
        assert_eq!(
            constraint(&body),
            "Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096"
        );
        assert_eq!(
            constraint(r#"{"KeyId":"a","Plaintext":""}"#),
            "Value at 'plaintext' failed to satisfy constraint: Member must have length greater than or equal to 1"
        );
    }

    #[test]
    fn a_grant_token_is_never_shown() {
        assert_eq!(
            constraint(r#"{"KeyId":"a","GrantTokens":["x",""]}"#),
            "Value at 'grantTokens' failed to satisfy constraint: Member must satisfy constraint: \
             [Member must have length less than or equal to 8192, Member must have length greater than or equal to 1]"
        );
    }

    #[test]
    fn elements_are_named_by_their_place() {
        let body = format!(r#"{{"KeyId":"a","Tags":[{{"TagKey":"{}","TagValue":""}}]}}"#, "a".repeat(129));
        assert!(constraint(&body).contains("at 'tags.1.member.tagKey' failed"));
        let missing = constraint(r#"{"KeyId":"a","Tags":[{"TagKey":"a","TagValue":""},{"TagKey":"b"}]}"#);
        assert_eq!(
            missing,
            "Value null at 'tags.2.member.tagValue' failed to satisfy constraint: Member must not be null"
        );
    }

    #[test]
    fn a_broken_scalar_is_shown_with_its_list() {
        assert_eq!(
            constraint(r#"{"KeyId":"a","TagKeys":["x",""]}"#),
            "Value '[x, ]' at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: \
             [Member must have length less than or equal to 128, Member must have length greater than or equal to 1]"
        );
        assert!(
            constraint(r#"{"KeyId":"a","GrantTokens":["","","","","","","","","","",""]}"#)
                .contains("equal to 10")
        );
        assert!(
            constraint(r#"{"KeyId":"a","ResourceOwners":["ME"]}"#).contains("[SELF, OTHER_ACCOUNTS_VIA_RAM]")
        );
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let message = constraint(r#"{"AliasName":"a!","EncryptionAlgorithm":"ROT13","Limit":0}"#);
        assert!(message.starts_with("4 validation errors detected: "), "{message}");
        assert!(message.contains(
            "'ROT13' at 'encryptionAlgorithm' failed to satisfy constraint: Member must satisfy enum"
        ));
        assert!(message.contains("Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$"));
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Everything::parse(&body);
        }

        #[test]
        fn no_json_makes_it_panic(member in "KeyId|Tags|TagKeys|Plaintext|EncryptionContext|Limit|DryRun", value in
            prop_oneof!["\\{\\}", "\\[[0-9\"{},:]{0,8}\\]", "-?[0-9]{1,25}(\\.[0-9]+)?", "\"[a-zA-Z=/+]{0,30}\"", "null|true|false"]) {
            let _ = Everything::parse(format!(r#"{{"{member}":{value}}}"#).as_bytes());
        }
    }
}
