//! What is wrong with a request before anybody looks at what it asks for: target, method, content type, JSON, size.

use crate::account::Account;
use blackbox::{Answer, Request, Server};
use serde_json::{Value, json};

/// A well-formed request for the account's key, to be bent by the test and then signed.
fn describe(account: &Account<'_>) -> Request {
    account.server.request("DescribeKey", json!({"KeyId": account.key}).to_string())
}

fn send(account: &Account<'_>, request: Request) -> Answer {
    account.server.send(&request.signed(&account.caller))
}

#[test]
fn an_operation_that_is_not_there_is_an_unknown_operation() {
    let server = Server::start();
    let account = Account::root(&server);
    let targets = [
        "TrentService.Nothing",
        "TrentService.",
        "TrentService",
        "TrentService.describeKey",
        "trentservice.DescribeKey",
        "KMS.DescribeKey",
        "DescribeKey",
        "TrentService.DescribeKey.DescribeKey",
        " TrentService .DescribeKey",
        "",
    ];
    for target in targets {
        let answer = send(&account, describe(&account).with("x-amz-target", target));
        answer.refuses_without_a_word("UnknownOperationException");
    }
    send(&account, describe(&account).without("x-amz-target"))
        .refuses_without_a_word("UnknownOperationException");
}

#[test]
fn another_method_or_content_type_is_an_unknown_operation_in_xml() {
    let server = Server::start();
    let account = Account::root(&server);
    for method in ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"] {
        let request = Request { method: method.to_owned(), ..describe(&account) };
        let answer = if method == "HEAD" { head(&account, request) } else { send(&account, request) };
        assert_eq!(answer.status, 404, "{method}: {}", answer.text());
        assert!(
            method == "HEAD" || answer.text().contains("<UnknownOperationException"),
            "{method}: {}",
            answer.text()
        );
    }
    for content_type in ["application/json", "application/x-amz-json-1.0", "text/plain", ""] {
        let answer = send(&account, describe(&account).with("content-type", content_type));
        assert_eq!(answer.status, 404, "{content_type}: {}", answer.text());
        assert!(answer.text().contains("<UnknownOperationException"), "{content_type}: {}", answer.text());
    }
    assert_eq!(send(&account, describe(&account).without("content-type")).status, 404);
}

#[test]
fn a_form_is_a_call_of_iam_or_sts_and_of_nothing_else() {
    let server = Server::start();
    let account = Account::root(&server);
    let form = "application/x-www-form-urlencoded";
    let forms = [
        (describe(&account).body, "", ""),
        (b"Action=DescribeKey&Version=2014-11-01".to_vec(), "DescribeKey", "2014-11-01"),
        (b"Action=DescribeKey&Version=2010-05-08".to_vec(), "DescribeKey", "2010-05-08"),
        (b"Action=GetCallerIdentity&Version=2010-05-08".to_vec(), "GetCallerIdentity", "2010-05-08"),
        (b"Action=GetCallerIdentity".to_vec(), "GetCallerIdentity", ""),
    ];
    for (body, action, version) in forms {
        let request = Request { body, ..describe(&account) }.with("content-type", form);
        let answer = send(&account, request);
        answer.refuses("InvalidAction", &format!("Could not find operation {action} for version {version}"));
        assert_eq!(answer.status, 400);
    }
    let identity = server.sts("GetCallerIdentity", &[]).output();
    assert_eq!(identity["Arn"], account.root_arn());
}

/// An answer to HEAD says how long its body would be, and has none.
fn head(account: &Account<'_>, request: Request) -> Answer {
    let mut connection = account.server.connect().unwrap();
    let bytes = request.signed(&account.caller).with("connection", "close").bytes();
    connection.send(&bytes).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut connection.stream(), &mut text).unwrap();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, headers: Vec::new(), body: Vec::new() }
}

#[test]
fn the_content_type_may_have_parameters_and_any_path_is_served() {
    let server = Server::start();
    let account = Account::root(&server);
    for content_type in ["application/x-amz-json-1.1; charset=utf-8", "Application/X-AMZ-JSON-1.1"] {
        assert_eq!(
            send(&account, describe(&account).with("content-type", content_type)).status,
            200,
            "{content_type}"
        );
    }
    for target in ["/", "/any/path", "//", "/a%20b", "/?a=b&c"] {
        let answer = send(&account, Request { target: target.to_owned(), ..describe(&account) });
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    }
}

#[test]
fn a_body_that_is_no_json_is_refused_without_a_word_whoever_sends_it() {
    let server = Server::start();
    let account = Account::root(&server);
    let bodies: [&[u8]; 13] = [
        b"{",
        b"}",
        b"{}{}",
        b"{\"KeyId\":}",
        b"{\"KeyId\":\"a\",}",
        b"{'KeyId':'a'}",
        b"KeyId=a",
        b"\xff\xfe",
        b"{\"KeyId\":\"\xff\"}",
        b"{\"KeyId\":\"\n\"}",
        b"{\"Limit\":01}",
        b"\0",
        b"\xef\xbb\xbf{}",
    ];
    for body in bodies {
        for operation in ["DescribeKey", "ListKeys"] {
            let request = server.request(operation, body);
            server.send(&request).refuses_without_a_word("SerializationException");
            send(&account, request).refuses_without_a_word("SerializationException");
        }
    }
}

#[test]
fn a_body_of_json_that_is_no_structure_is_refused() {
    let server = Server::start();
    let account = Account::root(&server);
    for body in ["[]", "\"a\"", "7", "true", "null", "[{}]"] {
        let answer = send(&account, server.request("ListKeys", body));
        assert_eq!((answer.status, answer.error().as_str()), (400, "SerializationException"), "{body}");
    }
}

#[test]
fn no_body_stands_for_an_empty_structure() {
    let server = Server::start();
    let account = Account::root(&server);
    assert_eq!(send(&account, server.request("ListKeys", "")).output()["Keys"].as_array().unwrap().len(), 2);
    assert_eq!(send(&account, server.request("DescribeKey", "")).error(), "ValidationException");
}

#[test]
fn unknown_members_are_ignored_and_of_a_repeated_one_the_last_counts() {
    let server = Server::start();
    let account = Account::root(&server);
    let bodies = [
        format!(r#"{{"KeyId":"{}","Colour":"blue","Deep":{{"a":[1,{{"b":null}}]}},"keyid":7}}"#, account.key),
        format!(r#"{{"KeyId":"alias/none","KeyId":"{}"}}"#, account.key),
        format!(" \r\n\t{{ \"KeyId\" : \"{}\" }} \n", account.key),
        format!(r#"{{"\u004beyId":"{}"}}"#, account.key),
    ];
    for body in bodies {
        assert_eq!(send(&account, server.request("DescribeKey", body.clone())).status, 200, "{body}");
    }
    let twice = format!(r#"{{"KeyId":"{}","KeyId":"alias/none"}}"#, account.key);
    assert_eq!(send(&account, server.request("DescribeKey", twice)).error(), "NotFoundException");
}

#[test]
fn deep_nesting_is_answered_and_harms_nobody() {
    let server = Server::start();
    let account = Account::root(&server);
    let deep =
        |open: &str, close: &str, depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
    for nested in [deep("[", "]", 400_000), deep(r#"{"a":"#, "}", 100_000)] {
        let ignored = format!(r#"{{"KeyId":"{}","X":{nested}}}"#, account.key);
        assert_eq!(send(&account, server.request("DescribeKey", ignored)).status, 200);
        let refused = send(&account, server.request("DescribeKey", format!(r#"{{"KeyId":{nested}}}"#)));
        assert_eq!(refused.error(), "SerializationException");
        // Unsigned, too: it is looked at before anybody is authenticated.
        let unsigned = server.send(&server.request("DescribeKey", nested));
        assert!((400..500).contains(&unsigned.status), "{}", unsigned.text());
    }
    assert_eq!(account.state(&account.key), "Enabled");
}

#[test]
fn a_body_of_more_than_a_mebibyte_is_too_large() {
    let server = Server::start();
    let account = Account::root(&server);
    let of = |bytes: usize| {
        let frame = r#"{"Marker":""}"#.len();
        format!(r#"{{"Unknown":"{}"}}"#, "a".repeat(bytes - frame - 1))
    };
    assert_eq!(send(&account, server.request("ListKeys", of(1 << 20))).status, 200);
    for bytes in [(1 << 20) + 1, 2 << 20] {
        for request in [
            server.request("ListKeys", of(bytes)),
            server.request("ListKeys", of(bytes)).signed(&account.caller),
        ] {
            let answer = server.send(&request);
            assert_eq!(
                (answer.status, answer.error().as_str()),
                (413, "RequestEntityTooLargeException"),
                "{bytes}"
            );
        }
    }
}

#[test]
fn numbers_too_large_or_not_whole_are_refused_in_bounded_time() {
    let server = Server::start();
    let account = Account::root(&server);
    for (number, error) in [
        ("99999999999999999999999", "SerializationException"),
        ("1e400", "SerializationException"),
        ("1.5", "SerializationException"),
        ("1e2", "SerializationException"),
        ("9223372036854775807", "ValidationException"),
        ("-9223372036854775808", "ValidationException"),
        ("18446744073709551615", "ValidationException"),
    ] {
        let answer = send(&account, server.request("ListKeys", format!(r#"{{"Limit":{number}}}"#)));
        assert_eq!((answer.status, answer.error().as_str()), (400, error), "{number}: {}", answer.text());
    }
}

#[test]
fn an_encryption_context_is_a_map_of_texts_and_nothing_else() {
    let server = Server::start();
    let account = Account::root(&server);
    let plaintext = blackbox::base64(b"x");
    for wrong in [json!({"a": 1}), json!({"a": {}}), json!({"a": ["b"]}), json!([["a", "b"]]), json!("a=b")] {
        let input = json!({"KeyId": account.key, "Plaintext": plaintext, "EncryptionContext": wrong});
        assert_eq!(account.call("Encrypt", &input).error(), "SerializationException", "{wrong}");
    }
    let null = json!({"KeyId": account.key, "Plaintext": plaintext, "EncryptionContext": {"a": Value::Null}});
    assert!(account.call("Encrypt", &null).status < 500);
}

#[test]
fn one_connection_carries_good_and_bad_requests_in_turn() {
    let server = Server::start();
    let account = Account::root(&server);
    let mut connection = server.connect().unwrap();
    for _ in 0..3 {
        let good = describe(&account).signed(&account.caller);
        assert_eq!(connection.exchange(&good).unwrap().status, 200);
        assert_eq!(connection.exchange(&describe(&account)).unwrap().status, 400);
        let unknown = describe(&account).with("x-amz-target", "TrentService.Nothing").signed(&account.caller);
        assert_eq!(connection.exchange(&unknown).unwrap().status, 400);
        assert_eq!(connection.exchange(&Request { method: "GET".to_owned(), ..good }).unwrap().status, 404);
    }
}

#[test]
fn a_body_may_come_in_chunks() {
    let server = Server::start();
    let account = Account::root(&server);
    let signed = describe(&account).signed(&account.caller);
    let head = String::from_utf8(signed.bytes()).unwrap();
    let (head, _) = head.split_once("content-length").unwrap();
    let (first, rest) = signed.body.split_at(7);
    let chunk = |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
    let mut connection = server.connect().unwrap();
    connection.send(format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes()).unwrap();
    for piece in [chunk(first), chunk(rest), b"0\r\n\r\n".to_vec()] {
        connection.send(&piece).unwrap();
    }
    assert_eq!(connection.receive().unwrap().output()["KeyMetadata"]["Arn"], account.key);
}
