//! The rules for tags.

use crate::account::Account;
use blackbox::Server;
use serde_json::{Value, json};

fn tag(key: &str, value: &str) -> Value {
    json!({"TagKey": key, "TagValue": value})
}

fn numbered(range: std::ops::Range<usize>) -> Vec<Value> {
    range.map(|number| tag(&format!("t{number}"), "v")).collect()
}

#[test]
fn tags_that_a_key_cannot_have_are_refused_when_it_is_made_and_later() {
    let server = Server::start();
    let account = Account::root(&server);
    let before = account.everything();
    let cases = [
        (json!([tag("aws:key1", "v")]), "Tags beginning with aws: are reserved"),
        (json!([tag("AWS:key1", "v")]), "Tags beginning with aws: are reserved"),
        (json!([tag("aWs:", "v")]), "Tags beginning with aws: are reserved"),
        (json!([tag("a", "1"), tag("b", "2"), tag("a", "3")]), "Duplicate tag keys"),
        (Value::Array(numbered(0..51)), "Too many tags"),
    ];
    for (tags, message) in cases {
        account
            .call("TagResource", &json!({"KeyId": account.key, "Tags": tags}))
            .refuses("TagException", message);
        account.call("CreateKey", &json!({"Tags": tags})).refuses("TagException", message);
    }
    assert_eq!(account.everything(), before);
}

#[test]
fn a_key_has_at_most_50_tags_and_an_old_one_may_still_change() {
    let server = Server::start();
    let account = Account::root(&server);
    let put = |tags: Vec<Value>| account.call("TagResource", &json!({"KeyId": account.other, "Tags": tags}));
    let _ = put(numbered(0..50)).output();
    put(vec![tag("one more", "")]).refuses("TagException", "Too many tags");
    let _ = put(vec![tag("t7", "changed")]).output();
    let tags = account.call("ListResourceTags", &json!({"KeyId": account.other})).output();
    assert_eq!(tags["Tags"].as_array().unwrap().len(), 50);
    assert_eq!(tags["Tags"][7], tag("t7", "changed"));
    assert_eq!(server.call("CreateKey", &json!({"Tags": numbered(0..50)})).status, 200);
}

#[test]
fn tags_keep_their_order_and_a_changed_one_its_place() {
    let server = Server::start();
    let account = Account::root(&server);
    let listed =
        || account.call("ListResourceTags", &json!({"KeyId": account.other})).output()["Tags"].clone();
    let put = |tags: Value| {
        drop(account.call("TagResource", &json!({"KeyId": account.other, "Tags": tags})).output())
    };
    put(json!([tag("c", "1"), tag("a", "2"), tag("b", "3")]));
    put(json!([tag("z", "4"), tag("a", "5")]));
    assert_eq!(listed(), json!([tag("c", "1"), tag("a", "5"), tag("b", "3"), tag("z", "4")]));
    let untag =
        |keys: Value| account.call("UntagResource", &json!({"KeyId": account.other, "TagKeys": keys}));
    assert_eq!(untag(json!(["a", "not there"])).output(), Value::Null);
    assert_eq!(listed(), json!([tag("c", "1"), tag("b", "3"), tag("z", "4")]));
    assert_eq!(untag(json!(["aws:mine"])).error(), "TagException");
    let _ = untag(json!(["b", "c", "z", "z"])).output();
    assert_eq!(listed(), json!([]));
}

#[test]
fn tag_keys_differ_by_case_and_hold_what_tags_may_hold() {
    let server = Server::start();
    let account = Account::root(&server);
    let tags = json!([
        tag("Team", "Delta"),
        tag("team", ""),
        tag("a b_c.d:e/f=g+h-i@j", "a b_c.d:e/f=g+h-i@j"),
        tag("\u{e9}\u{4e2d}9", "\u{e9}\u{4e2d}9"),
        tag(&"k".repeat(128), &"v".repeat(256)),
        tag("aws", "not reserved"),
    ]);
    let _ = account.call("TagResource", &json!({"KeyId": account.other, "Tags": tags})).output();
    assert_eq!(account.call("ListResourceTags", &json!({"KeyId": account.other})).output()["Tags"], tags);
    for wrong in ["a*b", "a,b", "<", "a\u{0}", "\u{1f511}"] {
        for tags in [json!([tag(wrong, "v")]), json!([tag("k", wrong)])] {
            let answer = account.call("TagResource", &json!({"KeyId": account.other, "Tags": tags}));
            assert_eq!(answer.error(), "TagException", "{wrong}");
        }
    }
}
