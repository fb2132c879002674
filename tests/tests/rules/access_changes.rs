//! What is changed counts from the next request on, over whichever connection that comes: policies, grants, memberships,
//! boundaries, tags, aliases and access keys.

use crate::account::Account;
use blackbox::{Caller, Connection, Server, policy};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::rc::Rc;
use std::thread;

/// One way to let somebody use a key, and to take it back.
struct Way<'a> {
    what: &'static str,
    caller: Caller,
    allow: Box<dyn Fn() + 'a>,
    forbid: Box<dyn Fn() + 'a>,
}

#[test]
fn a_change_is_seen_by_the_next_request_on_every_connection() {
    let server = Server::start();
    let account = Account::root(&server);
    let mut connections: Vec<_> = (0..CONNECTIONS).map(|_| server.connect().unwrap()).collect();
    for way in ways(&server, &account) {
        for round in 0..ROUNDS {
            (way.forbid)();
            let refused = encrypt_on_each(&account, &way.caller, &mut connections);
            assert!(!refused.contains(&200), "{} taken back, round {round}: {refused:?}", way.what);
            (way.allow)();
            let let_in = encrypt_on_each(&account, &way.caller, &mut connections);
            assert_eq!(let_in, vec![200; CONNECTIONS], "{} given, round {round}", way.what);
        }
    }
}

/// The statuses of a call on each connection, all sent at once.
fn encrypt_on_each(account: &Account<'_>, caller: &Caller, connections: &mut [Connection]) -> Vec<u16> {
    let input = json!({"KeyId": account.key, "Plaintext": "AQ=="}).to_string();
    let call = |connection: &mut Connection| {
        let request = account.server.request("Encrypt", input.as_str()).signed(caller);
        connection.exchange(&request).unwrap().status
    };
    thread::scope(|scope| {
        let calls: Vec<_> =
            connections.iter_mut().map(|connection| scope.spawn(|| call(connection))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    })
}

fn ways<'a>(server: &'a Server, account: &'a Account<'a>) -> Vec<Way<'a>> {
    vec![
        own_policy(server),
        key_policy(server, account),
        grant(server, account),
        managed_policy(server),
        default_version(server),
        group(server),
        boundary(server),
        role_policy(server, account),
        tag_of_user(server),
        tag_of_key(server, account),
        alias_of_key(server, account),
        access_key(server),
    ]
}

fn own_policy(server: &Server) -> Way<'_> {
    let user = server.create_user(server.root(), "own-policy");
    let (name, again) = (user.name.clone(), user.name);
    Way {
        what: "its own policy",
        caller: user.caller,
        allow: Box::new(move || server.put_user_policy(server.root(), &name, &encrypt(&json!({})))),
        forbid: Box::new(move || server.put_user_policy(server.root(), &again, &deny())),
    }
}

fn key_policy<'a>(server: &'a Server, account: &'a Account<'a>) -> Way<'a> {
    let user = server.create_user(server.root(), "key-policy");
    let of = move |statements: Value| {
        let input = json!({"KeyId": account.key, "Policy": policy(&statements)});
        let _ = account.call("PutKeyPolicy", &input).output();
    };
    let root = json!({"Effect": "Allow", "Principal": {"AWS": account.root_arn()}, "Action": "kms:*", "Resource": "*"});
    let alone = root.clone();
    let named =
        json!({"Effect": "Allow", "Principal": {"AWS": user.arn}, "Action": "kms:Encrypt", "Resource": "*"});
    Way {
        what: "the key policy",
        caller: user.caller,
        allow: Box::new(move || of(json!([root, named]))),
        forbid: Box::new(move || of(json!([alone]))),
    }
}

fn grant<'a>(server: &'a Server, account: &'a Account<'a>) -> Way<'a> {
    let user = server.create_user(server.root(), "grant");
    let made = Rc::new(RefCell::new(None));
    let kept = Rc::clone(&made);
    Way {
        what: "a grant",
        allow: Box::new(move || {
            let input =
                json!({"KeyId": account.key, "GranteePrincipal": user.arn, "Operations": ["Encrypt"]});
            *made.borrow_mut() = Some(account.call("CreateGrant", &input).output()["GrantId"].clone());
        }),
        forbid: Box::new(move || {
            if let Some(id) = kept.borrow_mut().take() {
                let _ = account.call("RevokeGrant", &json!({"KeyId": account.key, "GrantId": id})).output();
            }
        }),
        caller: user.caller,
    }
}

fn managed_policy(server: &Server) -> Way<'_> {
    let user = server.create_user(server.root(), "managed-policy");
    let arn = create_policy(server, "encrypts", &encrypt(&json!({})));
    let change = move |action: &str| {
        let _ = server.iam(action, &[("UserName", "managed-policy"), ("PolicyArn", &arn)]);
    };
    let again = change.clone();
    Way {
        what: "a managed policy",
        caller: user.caller,
        allow: Box::new(move || change("AttachUserPolicy")),
        forbid: Box::new(move || again("DetachUserPolicy")),
    }
}

fn default_version(server: &Server) -> Way<'_> {
    let user = server.create_user(server.root(), "default-version");
    let arn = create_policy(server, "of-two-versions", &encrypt(&json!({})));
    let _ = server.iam("AttachUserPolicy", &[("UserName", "default-version"), ("PolicyArn", &arn)]).output();
    let other = policy(&deny());
    let _ = server.iam("CreatePolicyVersion", &[("PolicyArn", &arn), ("PolicyDocument", &other)]).output();
    let set = move |version: &str| {
        let parameters = [("PolicyArn", arn.as_str()), ("VersionId", version)];
        let _ = server.iam("SetDefaultPolicyVersion", &parameters).output();
    };
    let again = set.clone();
    Way {
        what: "the default version of a managed policy",
        caller: user.caller,
        allow: Box::new(move || set("v1")),
        forbid: Box::new(move || again("v2")),
    }
}

fn group(server: &Server) -> Way<'_> {
    let user = server.create_user(server.root(), "member");
    let _ = server.iam("CreateGroup", &[("GroupName", "scribes")]).output();
    let allow = policy(&encrypt(&json!({})));
    let parameters = [("GroupName", "scribes"), ("PolicyName", "encrypts"), ("PolicyDocument", &*allow)];
    let _ = server.iam("PutGroupPolicy", &parameters).output();
    let change = move |action: &str| {
        let _ = server.iam(action, &[("GroupName", "scribes"), ("UserName", "member")]).output();
    };
    Way {
        what: "membership of a group",
        caller: user.caller,
        allow: Box::new(move || change("AddUserToGroup")),
        forbid: Box::new(move || change("RemoveUserFromGroup")),
    }
}

fn boundary(server: &Server) -> Way<'_> {
    let user = server.create_user_with(server.root(), "bounded", &encrypt(&json!({})));
    let narrow = create_policy(server, "narrow", &deny());
    let wide = create_policy(server, "wide", &encrypt(&json!({})));
    let put = move |arn: &str| {
        let parameters = [("UserName", "bounded"), ("PermissionsBoundary", arn)];
        let _ = server.iam("PutUserPermissionsBoundary", &parameters).output();
    };
    Way {
        what: "the permissions boundary",
        caller: user.caller,
        allow: Box::new(move || put(&wide)),
        forbid: Box::new(move || put(&narrow)),
    }
}

fn role_policy<'a>(server: &'a Server, account: &Account<'_>) -> Way<'a> {
    let role = server.create_role(server.root(), "reader", &account.id);
    let assume = json!([{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]);
    let user = server.create_user_with(server.root(), "assumes", &assume);
    Way {
        what: "the policy of a role that is assumed already",
        caller: server.assume_role(&user.caller, &role.arn, "spring"),
        allow: Box::new(move || server.put_role_policy(server.root(), "reader", &encrypt(&json!({})))),
        forbid: Box::new(move || server.put_role_policy(server.root(), "reader", &deny())),
    }
}

fn tag_of_user(server: &Server) -> Way<'_> {
    let tagged = json!({"StringEquals": {"aws:PrincipalTag/team": "delta"}});
    let user = server.create_user_with(server.root(), "tagged", &encrypt(&tagged));
    let tag = [("UserName", "tagged"), ("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "delta")];
    let untag = [("UserName", "tagged"), ("TagKeys.member.1", "team")];
    Way {
        what: "a tag of the user",
        caller: user.caller,
        allow: Box::new(move || drop(server.iam("TagUser", &tag).output())),
        forbid: Box::new(move || drop(server.iam("UntagUser", &untag).output())),
    }
}

fn tag_of_key<'a>(server: &'a Server, account: &'a Account<'a>) -> Way<'a> {
    let tagged = json!({"StringEquals": {"aws:ResourceTag/stage": "test"}});
    let user = server.create_user_with(server.root(), "by-tag", &encrypt(&tagged));
    let tag = json!({"KeyId": account.key, "Tags": [{"TagKey": "stage", "TagValue": "test"}]});
    let untag = json!({"KeyId": account.key, "TagKeys": ["stage"]});
    Way {
        what: "a tag of the key",
        caller: user.caller,
        allow: Box::new(move || drop(account.call("TagResource", &tag).output())),
        forbid: Box::new(move || drop(account.call("UntagResource", &untag).output())),
    }
}

fn alias_of_key<'a>(server: &'a Server, account: &'a Account<'a>) -> Way<'a> {
    let named = json!({"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/open"}});
    let user = server.create_user_with(server.root(), "by-alias", &encrypt(&named));
    let alias = json!({"AliasName": "alias/open", "TargetKeyId": account.key});
    let _ = account.call("CreateAlias", &alias).output();
    let to = move |key: &str| {
        let _ = account.call("UpdateAlias", &json!({"AliasName": "alias/open", "TargetKeyId": key})).output();
    };
    Way {
        what: "an alias of the key",
        caller: user.caller,
        allow: Box::new(move || to(&account.key)),
        forbid: Box::new(move || to(&account.other)),
    }
}

fn access_key(server: &Server) -> Way<'_> {
    let user = server.create_user_with(server.root(), "switched", &encrypt(&json!({})));
    let id = user.caller.access_key_id.clone();
    let set = move |status: &str| {
        let parameters = [("UserName", "switched"), ("AccessKeyId", id.as_str()), ("Status", status)];
        let _ = server.iam("UpdateAccessKey", &parameters).output();
    };
    let again = set.clone();
    Way {
        what: "the access key's status",
        caller: user.caller,
        allow: Box::new(move || set("Active")),
        forbid: Box::new(move || again("Inactive")),
    }
}

fn create_policy(server: &Server, name: &str, statements: &Value) -> String {
    let document = policy(statements);
    let made = server.iam("CreatePolicy", &[("PolicyName", name), ("PolicyDocument", &document)]).output();
    made["Policy"]["Arn"].as_str().unwrap().to_owned()
}

fn encrypt(condition: &Value) -> Value {
    json!([{"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*", "Condition": condition}])
}

fn deny() -> Value {
    json!([{"Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*"}])
}

const CONNECTIONS: usize = 6;
const ROUNDS: usize = 3;
