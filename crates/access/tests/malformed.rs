//! Texts that are no policies: what is told of each mistake, and that no text makes the reader panic.

#![expect(clippy::panic, reason = "helpers of tests: what is not as expected fails the test")]

use access::{BoundPrincipals, MalformedPolicy, Policy, PolicyKind, PolicyVersion};
use proptest::prelude::*;

const SYNTAX: &str = "Syntax errors in policy.";
const LEGACY: &str = "The policy failed legacy parsing";

fn compiled(kind: PolicyKind, text: &str) -> Result<Policy, String> {
    Policy::compile(kind, text, &BoundPrincipals::new()).map_err(|malformed| malformed.to_string())
}

/// A policy of the version with variables and one statement with these elements.
fn of(elements: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{{{elements}}}]}}"#)
}

fn refuses(kind: PolicyKind, text: &str, message: &str) {
    match compiled(kind, text) {
        Ok(_) => panic!("accepted: {text}"),
        Err(actual) => assert_eq!(actual, message, "{text}"),
    }
}

#[test]
fn a_policy_that_names_no_version_is_of_the_old_one() {
    let text = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    assert_eq!(compiled(PolicyKind::Identity, text).unwrap().version(), PolicyVersion::Of2008);
    let text = text.replace(r#"{"S"#, r#"{"Version":"2008-10-17","S"#);
    assert_eq!(compiled(PolicyKind::Identity, &text).unwrap().version(), PolicyVersion::Of2008);
    let unclosed = text.replace(r#""Resource":"*""#, r#""Resource":"arn:aws:iam::1:user/${""#);
    assert!(compiled(PolicyKind::Identity, &unclosed).is_ok());
    refuses(PolicyKind::Identity, &unclosed.replace("2008", "2012"), SYNTAX);
}

#[test]
fn of_an_identity_policy_each_mistake_is_told_in_the_words_of_iam() {
    for (text, message) in [
        ("no JSON", SYNTAX),
        ("", SYNTAX),
        ("[]", SYNTAX),
        (r#"{"Version":"2013-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#, SYNTAX),
        (r#"{"Version":"2012-10-17"}"#, SYNTAX),
        (r#"{"Version":"2012-10-17","Statement":[]}"#, SYNTAX),
        (r#"{"Version":"2012-10-17","Statement":null}"#, SYNTAX),
        (r#"{"Version":"2012-10-17","Statement":["afd"]}"#, SYNTAX),
        (
            r#"{"Version":"2012-10-17","Extra":1,"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
            SYNTAX,
        ),
        (
            r#"{"Version":"2012-10-17","Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
            SYNTAX,
        ),
        (
            r#"{"Version":"2012-10-17","Id":["x"],"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
            SYNTAX,
        ),
    ] {
        refuses(PolicyKind::Identity, text, message);
    }
    for (elements, message) in IN_IDENTITY {
        refuses(PolicyKind::Identity, &of(elements), message);
    }
}

/// As recorded of iam:CreatePolicy.
const IN_IDENTITY: &[(&str, &str)] = &[
    (r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"*","Extra field":"value""#, SYNTAX),
    (r#""Effect":"invalid","Action":"s3:ListBucket","Resource":"*""#, SYNTAX),
    (r#""Effect":"denY","Action":"s3:ListBucket","Resource":"*""#, LEGACY),
    (r#""Effect":"allow","Resource":"arn:aws:s3:us-east-1::example_bucket""#, LEGACY),
    (r#""Action":"s3:ListBucket","Resource":"*""#, SYNTAX),
    (r#""Effect":"Allow","Action":"s3:ListBucket","NotAction":"iam:dsf","Resource":"*""#, SYNTAX),
    (r#""Effect":"Allow","NotAction":"s3s:ListBucket","Action":[],"Resource":"*""#, SYNTAX),
    (r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"*","NotResource":[]"#, SYNTAX),
    (r#""Effect":"Allow","Action":{},"Resource":"*""#, SYNTAX),
    (r#""Effect":"Allow","Action":[[]],"Resource":"*""#, SYNTAX),
    (r#""Effect":"Allow","Action":"s3:ListBucket","Resource":{"a":"arn:aws:s3:::example_bucket"}"#, SYNTAX),
    (r#""Effect":"Deny","Action":"s3:ListBucket","Resource":["adfdf",{}]"#, SYNTAX),
    (r#""Sid":{},"Effect":"Allow","Action":"s3:ListBucket","Resource":"*""#, SYNTAX),
    (r#""Effect":"Allow","Action":"*","Resource":"*","Condition":[]"#, SYNTAX),
    (r#""Effect":"Allow","Action":"*","Resource":"*","Condition":"a""#, SYNTAX),
    (r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"a":"b"}"#, SYNTAX),
    (r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateGreaterThan":[]}"#, SYNTAX),
    (r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateGreaterThan":{"a":{}}}"#, SYNTAX),
    (r#""Effect":"Allow","Resource":"*","Condition":{"DateGreaterThan":{"a":{}}}"#, SYNTAX),
    (
        r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateGreaterThan":{"a":"sdfdsf"}}"#,
        LEGACY,
    ),
    (r#""Effect":"Allow","Condition":{"DateGreaterThan":{"a":"sdfdsf"}}"#, LEGACY),
    (r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringSame":{"aws:userid":"b"}}"#, SYNTAX),
    (r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:userid":[]}}"#, SYNTAX),
    (
        r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:userid":"${x"}}"#,
        SYNTAX,
    ),
    (
        r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"userid":"x"}}"#,
        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
    ),
    (r#""Effect":"Allow""#, "Policy statement must contain actions."),
    (r#""Effect":"Allow","Resource":"*""#, "Policy statement must contain actions."),
    (r#""Effect":"Allow","Action":[],"Resource":"*""#, "Policy statement must contain actions."),
    (r#""Effect":"Allow","Action":"s3:ListBucket""#, "Policy statement must contain resources."),
    (
        r#""Effect":"Allow","Action":"s3:ListBucket","Resource":[]"#,
        "Policy statement must contain resources.",
    ),
    (r#""Effect":"Allow","Action":"invalid""#, "Policy statement must contain resources."),
    (
        r#""Effect":"Allow","Action":"invalid","Resource":"*""#,
        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
    ),
    (
        r#""Effect":"Allow","NotAction":"","Resource":"*""#,
        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
    ),
    (r#""Effect":"Allow","Action":"a a:ListBucket","Resource":"*""#, "Vendor a a is not valid"),
    (
        r#""Effect":"Allow","Action":"s3:List:Bucket","Resource":"*""#,
        "Actions/Condition can contain only one colon.",
    ),
    (
        r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"invalid resource""#,
        r#"Resource invalid resource must be in ARN format or "*"."#,
    ),
    (
        r#""Effect":"Allow","Action":"s:3:ListBucket","Resource":"sdfsadf""#,
        r#"Resource sdfsadf must be in ARN format or "*"."#,
    ),
    (
        r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"""#,
        r#"Resource  must be in ARN format or "*"."#,
    ),
    (
        r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"a:bsdfdsafsad""#,
        r#"Partition "bsdfdsafsad" is not valid for resource "arn:bsdfdsafsad:*:*:*:*"."#,
    ),
    (
        r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"a:b:cadfsdf""#,
        r#"Partition "b" is not valid for resource "arn:b:cadfsdf:*:*:*"."#,
    ),
    (
        r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"a:b:c:d:e:f:g:h""#,
        r#"Partition "b" is not valid for resource "arn:b:c:d:e:f:g:h"."#,
    ),
    (
        r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws""#,
        "Resource vendor must be fully qualified and cannot contain regexes.",
    ),
    (r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3::example_bucket""#, LEGACY),
    (r#""Effect":"Allow","NotAction":"s3:ListBucket","Resource":"arn:aws::::example_bucket""#, LEGACY),
    (
        r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:iam:us-east-1::example_bucket""#,
        "IAM resource arn:aws:iam:us-east-1::example_bucket cannot contain region information.",
    ),
    (
        r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:iam:::example_bucket""#,
        "IAM resource path must either be \"*\" or start with user/, federated-user/, role/, group/, \
         instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, \
         access-report/.",
    ),
    (
        r#""Effect":"Allow","Action":"*","Resource":"*","Principal":"*""#,
        "Policy document should not specify a principal.",
    ),
    (
        r#""Effect":"Allow","Action":"*","Resource":"*","NotPrincipal":{"AWS":"*"}"#,
        "Policy document should not specify a principal.",
    ),
    (
        r#""Sid":"with spaces","Effect":"Allow","Action":"*","Resource":"*""#,
        "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression \
         [0-9A-Za-z]*",
    ),
    (
        r#""Sid":"sdf","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"sdf","Effect":"Allow""#,
        "Statement IDs (SID) in a single policy must be unique.",
    ),
];

#[test]
fn of_a_trust_policy_each_mistake_is_told_in_the_words_of_iam() {
    refuses(PolicyKind::Trust, "{invalid", "This policy contains invalid Json");
    refuses(PolicyKind::Trust, r#"{"Statement":[]}"#, "Could not parse the policy: Statement is empty!");
    refuses(
        PolicyKind::Trust,
        r#"{"Version":"2012","Statement":[{}]}"#,
        "The policy must contain a valid version string",
    );
    let statement = r#""Sid":"a","Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole""#;
    refuses(
        PolicyKind::Trust,
        &of(&format!("{statement}}},{{{statement}")),
        "The Statement Ids in the policy are not unique",
    );
    for (elements, message) in [
        (r#""Principal":{"AWS":"*"},"Action":"sts:AssumeRole""#, "Missing required field Effect"),
        (r#""Effect":"allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole""#, "Invalid effect: allow"),
        (r#""Effect":"Allow","Action":"sts:AssumeRole""#, "Missing required field Principal"),
        (
            r#""Effect":"Allow","Principal":{},"Action":"sts:AssumeRole""#,
            "Missing required field Principal cannot be empty!",
        ),
        (r#""Effect":"Allow","Principal":{"AWS":"*"}"#, "Missing required field Action"),
        (
            r#""Effect":"Allow","Principal":{"AWS":"*"},"Action":"*""#,
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            r#""Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Resource":"*""#,
            "Has prohibited field Resource",
        ),
        (
            r#""Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","NotResource":"*""#,
            "AssumeRole policy must not contain resources.",
        ),
        (
            r#""Effect":"Allow","NotPrincipal":{"AWS":"*"},"Action":"sts:AssumeRole""#,
            "Allow with NotPrincipal is not allowed.",
        ),
        (
            r#""Effect":"Deny","NotPrincipal":{"AWS":"*"},"Action":"sts:AssumeRole""#,
            "AssumeRole policy must not contain NotPrincipal field.",
        ),
        (
            r#""Effect":"Allow","Principal":{"AWS":"arn:aws:iam::*:root"},"Action":"sts:AssumeRole""#,
            r#"Invalid principal in policy: "AWS":"arn:aws:iam::*:root""#,
        ),
        (
            r#""Effect":"Allow","Principal":{"Service":"s3"},"Action":"sts:AssumeRole""#,
            r#"Invalid principal in policy: "SERVICE":"s3""#,
        ),
    ] {
        refuses(PolicyKind::Trust, &of(elements), message);
    }
}

#[test]
fn of_a_key_policy_each_mistake_is_told_with_its_statement() {
    refuses(PolicyKind::Key, "[]", "This policy contains invalid Json");
    refuses(PolicyKind::Key, r#"{"Statements":[]}"#, "In the policy: there is no element `Statements`.");
    refuses(PolicyKind::Key, r#"{"Version":"2012-10-17"}"#, "In the policy: there is no statement.");
    for (elements, message) in [
        (
            r#""Sid":"Use of the key","Effect":"allow","Principal":"*""#,
            "In statement 1 (`Use of the key`): the effect `allow` is neither `Allow` nor `Deny`.",
        ),
        (r#""Effect":"Allow","Action":"kms:*","Resource":"*""#, "In statement 1: `Principal` is missing."),
        (
            r#""Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},{"Sid":"b","Effect":"Allow","NotPrincipal":{"AWS":"*"}"#,
            "In statement 2 (`b`): `NotPrincipal` may only be in a statement whose effect is `Deny`.",
        ),
        (
            r#""Effect":"Allow","Principal":"*","NotPrincipal":"*""#,
            "In statement 1: there is `Principal` and also `NotPrincipal`.",
        ),
        (
            r#""Effect":"Allow","Principal":{"AWS":"AIDACKCEVSQ6C2EXAMPLE"},"Action":"kms:*","Resource":"*""#,
            "Policy contains a statement with one or more invalid principals.",
        ),
        (
            r#""Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"this key""#,
            "In statement 1: the resource `this key` is neither an ARN nor `*`.",
        ),
        (
            r#""Effect":"Allow","Principal":"*","Condition":{"StringSame":{"aws:userid":"x"}}"#,
            "In statement 1: there is no condition operator `StringSame`.",
        ),
        (
            r#""Effect":"Allow","Principal":"*","Condition":{"Bool":{"aws:SecureTransport":"yes"}}"#,
            "In statement 1: the condition value `yes` is none for `Bool`.",
        ),
        (
            r#""Effect":"Allow","Principal":"*","Condition":{"ForAnyValue:StringLike":{"kms:ResourceAliases":"alias/x"}}"#,
            "These condition keys are not permitted in a key policy: kms:ResourceAliases",
        ),
    ] {
        refuses(PolicyKind::Key, &of(elements), message);
    }
}

#[test]
fn for_all_values_of_a_key_that_has_one_value_is_refused_in_a_key_policy() {
    let message = "OverlyPermissiveCondition: Using the ForAllValues set operator with a single-valued condition key \
                   matches requests without the specified [encryption context or tag] or with an unspecified \
                   [encryption context or tag]. To fix, remove ForAllValues.";
    for key in ["kms:EncryptionContext:AppName", "aws:requesttag/team"] {
        let elements = format!(
            r#""Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{{"ForAllValues:StringEqualsIfExists":{{"{key}":"X"}}}}"#
        );
        refuses(PolicyKind::Key, &of(&elements), message);
    }
    let elements = r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAllValues:StringEquals":{"aws:RequestTag/x":"X"}}"#;
    assert!(compiled(PolicyKind::Identity, &of(elements)).is_ok());
}

#[test]
fn a_principal_that_does_not_exist_is_told_as_iam_and_kms_tell_it() {
    for (kind, name, message) in [
        (
            PolicyKind::Key,
            "arn:aws:iam::111122223333:user/Ana",
            "Policy contains a statement with one or more invalid principals.",
        ),
        (
            PolicyKind::Trust,
            "arn:aws:iam::111122223333:user/Ana",
            r#"Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:user/Ana""#,
        ),
        (
            PolicyKind::Trust,
            "nile.example.com",
            r#"Invalid principal in policy: "SERVICE":"nile.example.com""#,
        ),
        (
            PolicyKind::Trust,
            "arn:aws:iam::111122223333:oidc-provider/a.b",
            r#"Invalid principal in policy: "FEDERATED":"arn:aws:iam::111122223333:oidc-provider/a.b""#,
        ),
    ] {
        assert_eq!(MalformedPolicy::principal(kind, &name.parse().unwrap()).to_string(), message);
    }
}

#[test]
fn the_reason_is_told_in_plain_words_where_the_message_is_no_help() {
    let text = of(r#""Sid":"a","Effect":"Allow","Action":"*","Resource":"*","Conditions":{}"#);
    let malformed = Policy::compile(PolicyKind::Identity, &text, &BoundPrincipals::new()).unwrap_err();
    assert_eq!(malformed.to_string(), SYNTAX);
    assert_eq!(malformed.reason(), "In statement 1 (`a`): there is no element `Conditions`.");
}

#[test]
fn what_is_longer_than_any_policy_is_refused_before_it_is_read() {
    let text = format!(r#"{{"Id":"{}"}}"#, "x".repeat(2 * 131_072));
    refuses(PolicyKind::Key, &text, "In the policy: it is too long.");
}

fn json() -> impl Strategy<Value = String> {
    let words = prop::sample::select(
        &[
            "Version",
            "2012-10-17",
            "Statement",
            "Sid",
            "Effect",
            "Allow",
            "Deny",
            "Principal",
            "AWS",
            "*",
            "Action",
            "kms:*",
            "Resource",
            "arn:aws:iam::111122223333:root",
            "Condition",
            "StringLike",
            "ForAllValues:Bool",
            "Null",
            "aws:username",
            "${aws:username}",
            "true",
            "arn:",
            "${",
            "s3.amazonaws.com",
            "IpAddress",
            "::/0",
        ][..],
    );
    let leaf = prop_oneof![
        words.clone().prop_map(|word| format!("\"{word}\"")),
        Just("null".into()),
        Just("1".into())
    ];
    leaf.prop_recursive(6, 60, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|values| format!("[{}]", values.join(","))),
            prop::collection::vec((words.clone(), inner), 0..5).prop_map(|entries| {
                let entries: Vec<String> =
                    entries.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", entries.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in prop_oneof![".*", json()]) {
        for kind in [PolicyKind::ExternalKey, PolicyKind::Identity, PolicyKind::Key, PolicyKind::Trust] {
            let _ = compiled(kind, &text);
            let _ = compiled(kind, &format!(r#"{{"Version":"2012-10-17","Statement":{text}}}"#));
            let _ = compiled(kind, &of(&format!(r#""Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{text}"#)));
        }
    }

    #[test]
    fn what_is_shown_with_nothing_gone_is_what_was_stored(text: String) {
        prop_assert_eq!(Policy::shown(&text, &BoundPrincipals::new()), text);
    }

    #[test]
    fn no_text_makes_showing_it_panic(text in prop_oneof![".*", json()]) {
        let gone = BoundPrincipals::from([("*".to_owned(), "AIDA1".to_owned())]);
        let _ = Policy::shown(&text, &gone);
    }
}

/// Elements of a statement, and why a policy of an external key may not have them.
const IN_EXTERNAL_KEY: &[(&str, &str)] = &[
    (
        r#""Sid":"a","Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*""#,
        "In statement 1 (`a`): the policy of an external key has neither `Principal` nor `NotPrincipal`: who asked is asked for by a \
         condition, such as `ArnLike` on `aws:PrincipalArn`.",
    ),
    (
        r#""Effect":"Allow","Action":"s3:GetObject","Resource":"*""#,
        "In statement 1: the action `s3:GetObject` can never match: every request is for an operation of KMS, `kms:…`.",
    ),
    (
        r#""Effect":"Deny","Action":["kms:Decrypt","KMS:reencryptfrom"],"Resource":"*""#,
        "In statement 1: the action `KMS:reencryptfrom` can never match: both halves of it come as `kms:ReEncrypt`.",
    ),
    (
        r#""Effect":"Deny","Action":"kms:","Resource":"*""#,
        "In statement 1: the action `kms:` can never match: it names no operation.",
    ),
    (
        r#""Effect":"Allow","Action":"Decrypt","Resource":"*""#,
        "In statement 1: the action `Decrypt` does not begin with a service and a colon.",
    ),
    (r#""Effect":"Allow","Resource":"*""#, "In statement 1: there is no action."),
    (r#""Effect":"Allow","Action":"kms:*""#, "In statement 1: there is no resource."),
    (
        r#""Effect":"Allow","Action":"kms:*","Resource":"arn:aws:s3:::bucket""#,
        "In statement 1: the resource `arn:aws:s3:::bucket` can never match: a request is about a key of KMS.",
    ),
    (
        r#""Effect":"Allow","Action":"kms:*","Resource":"payments-2026""#,
        "In statement 1: the resource `payments-2026` is neither an ARN nor `*`.",
    ),
    (
        r#""Effect":"Allow","Action":"kms:*","Resource":"arn:aws:kms:*:*:key/${aws:username}""#,
        "In statement 1: the condition key `aws:username` can never match: no request to a proxy has it.",
    ),
    (
        r#""Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:a":"b"}}"#,
        "In statement 1: the condition key `kms:EncryptionContext:a` can never match: no request to a proxy has it.",
    ),
    (
        r#""Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{"StringEquals":{"xks:KeyId":"b"}}"#,
        "In statement 1: the condition key `xks:keyid` can never match: no request to a proxy has it.",
    ),
    (
        r#""Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{"StringLike":{"aws:SourceVpc":"${aws:PrincipalTag/vpc, 'none'}"}}"#,
        "In statement 1: the condition key `aws:PrincipalTag/vpc` can never match: no request to a proxy has it.",
    ),
    (
        r#""Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{"ForAllValues:StringEquals":{"aws:SourceVpc":"vpc-1"}}"#,
        "In statement 1: `ForAllValues` is used with a condition key that has one value.",
    ),
    (
        r#""Effect":"Deny","Action":"kms:*","Resource":"*","Condition":{"ArnNotLike":{"aws:principalarn":"arn:aws:iam::*:role/Payments"}}"#,
        "In statement 1: the principal `arn:aws:iam::*:role/Payments` can never match: a role comes as its sessions, \
         `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION` without the role's path.",
    ),
    (
        r#""Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{"ArnLike":{"aws:PrincipalArn":"ebs.amazonaws.com"}}"#,
        "In statement 1: the condition value `ebs.amazonaws.com` is none for `ArnLike`.",
    ),
    (
        r#""Effect":"Perhaps","Action":"s3:*","Resource":"*""#,
        "In statement 1: the effect `Perhaps` is neither `Allow` nor `Deny`.",
    ),
];

#[test]
fn of_a_policy_of_an_external_key_each_mistake_is_told_with_its_place() {
    for (elements, message) in IN_EXTERNAL_KEY {
        refuses(PolicyKind::ExternalKey, &of(elements), message);
    }
}

#[test]
fn a_policy_of_an_external_key_says_that_it_has_variables() {
    let text = of(r#""Effect":"Allow","Action":"kms:*","Resource":"*""#);
    assert!(compiled(PolicyKind::ExternalKey, &text).is_ok());
    let message = "In the policy: `Version` must be `2012-10-17`.";
    refuses(PolicyKind::ExternalKey, &text.replace("2012", "2008"), message);
    refuses(PolicyKind::ExternalKey, &text.replace(r#""Version":"2012-10-17","#, ""), message);
}

#[test]
fn of_a_policy_of_an_external_key_statements_have_names_of_their_own() {
    let statement = r#"{"Sid":"who may","Effect":"Allow","Action":"kms:*","Resource":"*"}"#;
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement},{statement}]}}"#);
    refuses(
        PolicyKind::ExternalKey,
        &text,
        "In statement 2 (`who may`): another statement has the Sid `who may` too.",
    );
}

#[test]
fn what_a_request_to_a_proxy_has_may_be_asked_for() {
    for elements in [
        r#""Effect":"Allow","Action":["kms:InventedLater","kms:ReEncrypt*","*"],"NotResource":"arn:aws*:kms:*:*:key/*""#,
        r#""Effect":"Deny","NotAction":"KMS:Decrypt","Resource":["*"],"Condition":{"StringLike":{"XKS:externalkeyid":"payments-*","xks:Operation":["Encrypt"]}}"#,
        r#""Effect":"Deny","Action":"kms:*","Resource":"arn:aws:kms:*:${aws:PrincipalAccount}:key/*","Condition":{"ArnLike":{"aws:PrincipalArn":["arn:aws:sts::*:assumed-role/Payments/*","arn:aws:*::*:*role/Payments*"]}}"#,
        r#""Effect":"Deny","Action":"kms:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false","aws:PrincipalIsAWSService":"true"},
            "StringNotEqualsIfExists":{"aws:PrincipalServiceName":"AWS Internal","kms:ViaService":"ebs","aws:SourceVpc":"vpc-1","aws:SourceVpce":"vpce-1"},
            "NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"},"DateLessThan":{"aws:CurrentTime":"2026-12-01T00:00:00Z","aws:EpochTime":"1795305600"}}"#,
    ] {
        assert!(compiled(PolicyKind::ExternalKey, &of(elements)).is_ok(), "{elements}");
    }
}
