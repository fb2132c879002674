//! Roles, managed policies, OpenID Connect providers and simulations: how they live, what is refused, and what calls follow.

use blackbox::{Answer, Caller, Server, list, policy};
use serde_json::{Value, json};
use std::thread;

fn trust_of(principal: &Value) -> String {
    policy(&json!([{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]))
}

fn allow(actions: &[&str]) -> String {
    policy(&json!([{"Effect": "Allow", "Action": actions, "Resource": "*"}]))
}

/// Text as it was before it was percent-encoded.
fn decoded(text: &Value) -> String {
    let mut parts = text.as_str().unwrap().split('%');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        let (digits, plain) = part.split_at(2);
        bytes.push(u8::from_str_radix(digits, 16).unwrap());
        bytes.extend_from_slice(plain.as_bytes());
    }
    String::from_utf8(bytes).unwrap()
}

fn names<'a>(entries: &'a Value, member: &str) -> Vec<&'a str> {
    list(entries).iter().map(|entry| entry[member].as_str().unwrap()).collect()
}

fn joined<'a>(some: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [some, more].concat()
}

fn account_of(server: &Server) -> String {
    server.account_id(server.root())
}

fn create_policy(server: &Server, name: &str, document: &str) -> String {
    let made = server.iam("CreatePolicy", &[("PolicyName", name), ("PolicyDocument", document)]).output();
    made["Policy"]["Arn"].as_str().unwrap().to_owned()
}

fn create_provider(server: &Server, url: &str) -> Answer {
    let parameters = [
        ("Url", url),
        ("ClientIDList.member.1", "app"),
        ("ClientIDList.member.2", "app"),
        ("Tags.member.1.Key", "k"),
        ("Tags.member.1.Value", "v"),
    ];
    server.iam("CreateOpenIDConnectProvider", &parameters)
}

/// Every entry of a list, page by page: as many as are asked for, the last page perhaps fewer.
fn pages(
    server: &Server,
    action: &str,
    parameters: &[(&str, &str)],
    member: &str,
    most: usize,
) -> Vec<Value> {
    let (mut all, mut marker) = (Vec::new(), None::<String>);
    let max_items = most.to_string();
    loop {
        let mut asked = [parameters, &[("MaxItems", max_items.as_str())]].concat();
        asked.extend(marker.as_deref().map(|marker| ("Marker", marker)));
        let page = server.iam(action, &asked).output();
        all.extend_from_slice(list(&page[member]));
        if page["IsTruncated"] == "false" {
            assert!(page.get("Marker").is_none(), "{page}");
            return all;
        }
        assert_eq!(list(&page[member]).len(), most, "{page}");
        marker = Some(page["Marker"].as_str().unwrap().to_owned());
    }
}

#[test]
fn a_role_is_made_changed_and_deleted_once_nothing_hangs_on_it() {
    let server = Server::start();
    let account = account_of(&server);
    let boundary = create_policy(&server, "bound", &allow(&["kms:*"]));
    let trust = trust_of(&json!({"AWS": account}));
    let made = server
        .iam(
            "CreateRole",
            &[
                ("RoleName", "Nile"),
                ("Path", "/a/b/"),
                ("AssumeRolePolicyDocument", &trust),
                ("Description", "of the delta"),
                ("MaxSessionDuration", "7200"),
                ("PermissionsBoundary", &boundary),
                ("Tags.member.1.Key", "team"),
                ("Tags.member.1.Value", "blue"),
            ],
        )
        .output();
    let role = &made["Role"];
    assert_eq!(role["Arn"], format!("arn:aws:iam::{account}:role/a/b/Nile"));
    assert!(role["RoleId"].as_str().unwrap().starts_with("AROA"));
    assert_eq!(decoded(&role["AssumeRolePolicyDocument"]), trust);
    assert_eq!((&role["MaxSessionDuration"], &role["Description"]), (&json!("7200"), &json!("of the delta")));
    assert_eq!(role["PermissionsBoundary"]["PermissionsBoundaryArn"], boundary);
    let named = [("RoleName", "NILE")];
    assert_eq!(server.iam("GetRole", &named).output()["Role"], *role, "names compare without case");

    let again = server.iam("CreateRole", &[("RoleName", "nile"), ("AssumeRolePolicyDocument", &trust)]);
    again.refuses("EntityAlreadyExists", "Role with name nile already exists.");
    assert_eq!(server.iam("UpdateRole", &joined(&named, &[("MaxSessionDuration", "3600")])).output(), "");
    let described = server.iam("UpdateRoleDescription", &joined(&named, &[("Description", "new")])).output();
    assert_eq!(
        (&described["Role"]["Description"], &described["Role"]["MaxSessionDuration"]),
        (&json!("new"), &json!("3600"))
    );
    let _ = server
        .iam("TagRole", &joined(&named, &[("Tags.member.1.Key", "TEAM"), ("Tags.member.1.Value", "red")]))
        .output();
    assert_eq!(server.iam("ListRoleTags", &named).output()["Tags"], json!([{"Key": "TEAM", "Value": "red"}]));
    let _ = server.iam("UntagRole", &joined(&named, &[("TagKeys.member.1", "team")])).output();
    assert_eq!(server.iam("ListRoleTags", &named).output()["Tags"], "");
    let _ = server.iam("DeleteRolePermissionsBoundary", &named).output();
    assert!(server.iam("GetRole", &named).output()["Role"].get("PermissionsBoundary").is_none());

    let inline = allow(&["kms:ListKeys"]);
    let _ = server
        .iam("PutRolePolicy", &joined(&named, &[("PolicyName", "own"), ("PolicyDocument", &inline)]))
        .output();
    let _ = server.iam("AttachRolePolicy", &joined(&named, &[("PolicyArn", &boundary)])).output();
    let shown = server.iam("GetRolePolicy", &joined(&named, &[("PolicyName", "own")])).output();
    assert_eq!((&shown["RoleName"], decoded(&shown["PolicyDocument"])), (&json!("Nile"), inline));
    assert_eq!(server.iam("ListRolePolicies", &named).output()["PolicyNames"], json!(["own"]));
    let attached = server.iam("ListAttachedRolePolicies", &named).output();
    assert_eq!(attached["AttachedPolicies"], json!([{"PolicyName": "bound", "PolicyArn": boundary}]));

    let delete = || server.iam("DeleteRole", &named);
    delete().refuses("DeleteConflict", "Cannot delete entity, must detach all policies first.");
    let _ = server.iam("DetachRolePolicy", &joined(&named, &[("PolicyArn", &boundary)])).output();
    delete().refuses("DeleteConflict", "Cannot delete entity, must delete policies first.");
    let _ = server.iam("DeleteRolePolicy", &joined(&named, &[("PolicyName", "own")])).output();
    assert_eq!(server.iam("ListInstanceProfilesForRole", &named).output()["InstanceProfiles"], "");
    let _ = delete().output();
    delete().refuses("NoSuchEntity", "The role with name NILE cannot be found.");
}

#[test]
fn a_trust_policy_that_names_nobody_or_is_none_is_refused_and_changes_nothing() {
    let server = Server::start();
    let account = account_of(&server);
    let _ = server.create_user(server.root(), "Ana");
    let refused = |document: &str, message: &str| {
        let made = server.iam("CreateRole", &[("RoleName", "r"), ("AssumeRolePolicyDocument", document)]);
        made.refuses("MalformedPolicyDocument", message);
        let changed =
            server.iam("UpdateAssumeRolePolicy", &[("RoleName", "old"), ("PolicyDocument", document)]);
        changed.refuses("MalformedPolicyDocument", message);
    };
    let _ = server.create_role(server.root(), "old", &account);
    let before = server.iam("GetRole", &[("RoleName", "old")]).output();
    for (of_type, shown, name) in [
        ("AWS", "AWS", format!("arn:aws:iam::{account}:user/Nobody")),
        ("AWS", "AWS", format!("arn:aws:iam::{account}:user/ana")),
        ("AWS", "AWS", format!("arn:aws:iam::{account}:user/path/Ana")),
        ("AWS", "AWS", format!("arn:aws-cn:iam::{account}:user/Ana")),
        ("AWS", "AWS", format!("arn:aws:iam::{account}:role/r")),
        ("AWS", "AWS", format!("arn:aws:sts::{account}:assumed-role/r/session")),
        ("AWS", "AWS", "arn:aws:iam::999999999999:root".to_owned()),
        ("AWS", "AWS", "999999999999".to_owned()),
        ("Service", "SERVICE", "coffee.example.com".to_owned()),
        ("Federated", "FEDERATED", format!("arn:aws:iam::{account}:oidc-provider/oidc.example.com")),
    ] {
        let trust = trust_of(&json!({of_type: name}));
        let message = format!("Invalid principal in policy: \"{shown}\":\"{name}\"");
        refused(&trust, &message);
    }
    refused("{", "This policy contains invalid Json");
    refused(
        &policy(&json!([{"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt"}])),
        "AssumeRole policy may only specify STS AssumeRole actions.",
    );
    refused(
        &policy(&json!([{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole", "Resource": "*"}])),
        "Has prohibited field Resource",
    );
    refused(
        &policy(&json!([{"Effect": "Allow", "Action": "sts:AssumeRole"}])),
        "Missing required field Principal",
    );
    let long = trust_of(&json!({"AWS": vec![account.as_str(); 150]}));
    server
        .iam("UpdateAssumeRolePolicy", &[("RoleName", "old"), ("PolicyDocument", &long)])
        .refuses("LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048");
    assert_eq!(server.iam("GetRole", &[("RoleName", "old")]).output(), before);
    assert_eq!(server.iam("GetRole", &[("RoleName", "r")]).error(), "NoSuchEntity");

    let ana = format!("arn:aws:iam::{account}:user/Ana");
    for principal in [json!("*"), json!({"AWS": ana}), json!({"Service": "ec2.amazonaws.com"})] {
        let trust = trust_of(&principal);
        let _ =
            server.iam("UpdateAssumeRolePolicy", &[("RoleName", "old"), ("PolicyDocument", &trust)]).output();
    }
}

#[test]
fn a_user_made_again_under_an_old_name_is_not_whom_a_trust_policy_meant() {
    let server = Server::start();
    let root = server.root();
    let first = server.create_user(root, "Ana");
    let role = server.create_role(root, "Nile", &first.arn);
    let _ = server.assume_role(&first.caller, &role.arn, "one");
    let trust = || {
        decoded(&server.iam("GetRole", &[("RoleName", "Nile")]).output()["Role"]["AssumeRolePolicyDocument"])
    };
    let text = trust();
    assert!(text.contains(&first.arn) && !text.contains(&first.id));

    let key = [("UserName", "Ana"), ("AccessKeyId", first.caller.access_key_id.as_str())];
    let _ = server.iam("DeleteAccessKey", &key).output();
    let _ = server.iam("DeleteUser", &[("UserName", "Ana")]).output();
    assert_eq!(trust(), text.replace(&first.arn, &first.id));
    let second = server.create_user(root, "Ana");
    assert_eq!((second.arn == first.arn, second.id == first.id), (true, false));
    assert_eq!(trust(), text.replace(&first.arn, &first.id));
    let parameters = [("RoleArn", role.arn.as_str()), ("RoleSessionName", "two")];
    assert_eq!(server.sts_as(&second.caller, "AssumeRole", &parameters).error(), "AccessDenied");

    let _ = server.iam("UpdateAssumeRolePolicy", &[("RoleName", "Nile"), ("PolicyDocument", &text)]).output();
    let _ = server.assume_role(&second.caller, &role.arn, "three");
}

#[test]
fn a_role_and_its_sessions_that_are_gone_are_shown_by_their_unique_ids_and_never_mean_another_role() {
    let server = Server::start();
    let (root, account) = (server.root(), account_of(&server));
    let may_assume = json!([{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]);
    let make = || {
        let role = server.create_role(root, "Nile", &account);
        server.put_role_policy(root, "Nile", &may_assume);
        role
    };
    let user = server.create_user_with(root, "Ana", &may_assume);
    let first = make();
    let session = format!("arn:aws:sts::{account}:assumed-role/Nile/one");
    let by_role = server.create_role(root, "by-role", &first.arn);
    let by_session = server.create_role(root, "by-session", &session);
    let trust = |role: &str| {
        let shown = server.iam("GetRole", &[("RoleName", role)]).output();
        decoded(&shown["Role"]["AssumeRolePolicyDocument"])
    };
    let assumes = |caller: &Caller| {
        [&by_role.arn, &by_session.arn].map(|arn| {
            let parameters = [("RoleArn", arn.as_str()), ("RoleSessionName", "next")];
            server.sts_as(caller, "AssumeRole", &parameters).status == 200
        })
    };
    let one = server.assume_role(&user.caller, &first.arn, "one");
    assert_eq!(assumes(&one), [true, true]);
    assert_eq!(assumes(&server.assume_role(&user.caller, &first.arn, "two")), [true, false]);

    let texts = [trust("by-role"), trust("by-session")];
    let _ = server.iam("DeleteRolePolicy", &[("RoleName", "Nile"), ("PolicyName", "of-the-test")]).output();
    let _ = server.iam("DeleteRole", &[("RoleName", "Nile")]).output();
    let gone =
        [texts[0].replace(&first.arn, &first.id), texts[1].replace(&session, &format!("{}:one", first.id))];
    assert_eq!([trust("by-role"), trust("by-session")], gone);
    assert_eq!(assumes(&one), [false, false], "a session ends with its role");
    let second = make();
    assert_eq!([trust("by-role"), trust("by-session")], gone);
    let again = server.assume_role(&user.caller, &second.arn, "one");
    assert_eq!(assumes(&again), [false, false]);
}

#[test]
fn the_default_version_of_a_managed_policy_is_what_counts_at_once() {
    let server = Server::start();
    let user = server.create_user(server.root(), "Ana");
    let may_list = |caller: &Caller| server.call_as(caller, "ListKeys", &json!({})).status == 200;
    let arn = create_policy(&server, "versions", &allow(&["kms:ListAliases"]));
    let named = [("PolicyArn", arn.as_str())];
    let _ = server.iam("AttachUserPolicy", &joined(&named, &[("UserName", "Ana")])).output();
    assert!(!may_list(&user.caller));
    let wider = allow(&["kms:ListKeys"]);
    let made = server.iam("CreatePolicyVersion", &joined(&named, &[("PolicyDocument", &wider)])).output();
    assert_eq!(
        (&made["PolicyVersion"]["VersionId"], &made["PolicyVersion"]["IsDefaultVersion"]),
        (&json!("v2"), &json!("false"))
    );
    assert!(!may_list(&user.caller));
    let _ = server.iam("SetDefaultPolicyVersion", &joined(&named, &[("VersionId", "v2")])).output();
    assert!(may_list(&user.caller));
    let _ = server
        .iam(
            "CreatePolicyVersion",
            &joined(&named, &[("PolicyDocument", &allow(&["kms:ListAliases"])), ("SetAsDefault", "true")]),
        )
        .output();
    assert!(!may_list(&user.caller));

    let shown = server.iam("GetPolicyVersion", &joined(&named, &[("VersionId", "v2")])).output();
    assert_eq!(decoded(&shown["PolicyVersion"]["Document"]), wider);
    for _ in 4..=5 {
        let _ = server.iam("CreatePolicyVersion", &joined(&named, &[("PolicyDocument", &wider)])).output();
    }
    server.iam("CreatePolicyVersion", &joined(&named, &[("PolicyDocument", &wider)])).refuses(
        "LimitExceeded",
        "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.",
    );
    let delete = |version| server.iam("DeletePolicyVersion", &joined(&named, &[("VersionId", version)]));
    delete("v3").refuses("DeleteConflict", "Cannot delete the default version of a policy.");
    let missing = format!("Policy {arn} version v9 does not exist or is not attachable.");
    delete("v9").refuses("NoSuchEntity", &missing);
    server
        .iam("SetDefaultPolicyVersion", &joined(&named, &[("VersionId", "v9")]))
        .refuses("NoSuchEntity", &missing);
    let _ = delete("v1").output();
    let made = server.iam("CreatePolicyVersion", &joined(&named, &[("PolicyDocument", &wider)])).output();
    assert_eq!(made["PolicyVersion"]["VersionId"], "v6", "no number is given twice");
    let versions = pages(&server, "ListPolicyVersions", &named, "Versions", 2);
    let ids: Vec<_> = versions.iter().map(|version| version["VersionId"].as_str().unwrap()).collect();
    assert_eq!(ids, ["v6", "v5", "v4", "v3", "v2"]);

    let remove = || server.iam("DeletePolicy", &named);
    remove().refuses("DeleteConflict", "Cannot delete a policy attached to entities.");
    let _ = server.iam("DetachUserPolicy", &joined(&named, &[("UserName", "Ana")])).output();
    remove().refuses(
        "DeleteConflict",
        "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
    );
    for version in ["v2", "v4", "v5", "v6"] {
        let _ = delete(version).output();
    }
    let _ = remove().output();
    remove().refuses("NoSuchEntity", &format!("Policy {arn} was not found."));
}

#[test]
fn managed_policies_are_checked_before_they_are_made() {
    let server = Server::start();
    let create = |name: &str, document: &str| {
        server.iam("CreatePolicy", &[("PolicyName", name), ("PolicyDocument", document)])
    };
    let _ = create("P", &allow(&["kms:*"])).output();
    create("p", &allow(&["kms:*"]))
        .refuses("EntityAlreadyExists", "A policy called p already exists. Duplicate names are not allowed.");
    let statement = json!([{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]);
    let old = json!({"Version": "2008-10-17", "Statement": statement}).to_string();
    create("old", &old)
        .refuses("MalformedPolicyDocument", "Policy document must be version 2012-10-17 or greater.");
    let principal =
        policy(&json!([{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}]));
    create("x", &principal)
        .refuses("MalformedPolicyDocument", "Policy document should not specify a principal.");
    let long = allow(&vec!["kms:Decrypt"; 500]);
    create("long", &long).refuses("LimitExceeded", "Cannot exceed quota for PolicySize: 6144");
}

#[test]
fn managed_policies_are_counted_where_they_are_used() {
    let server = Server::start();
    let arn = create_policy(&server, "P", &allow(&["kms:*"]));
    let _ = server.create_role(server.root(), "Nile", "*");
    let _ = server.create_user(server.root(), "Ana");
    let _ = server.iam("AttachRolePolicy", &[("RoleName", "Nile"), ("PolicyArn", &arn)]).output();
    let _ = server
        .iam("PutRolePermissionsBoundary", &[("RoleName", "Nile"), ("PermissionsBoundary", &arn)])
        .output();
    let _ = server
        .iam("PutUserPermissionsBoundary", &[("UserName", "Ana"), ("PermissionsBoundary", &arn)])
        .output();
    let shown = server.iam("GetPolicy", &[("PolicyArn", &arn)]).output();
    let counts = (&shown["Policy"]["AttachmentCount"], &shown["Policy"]["PermissionsBoundaryUsageCount"]);
    assert_eq!(counts, (&json!("1"), &json!("2")));
    let entities = |more: &[(&str, &str)]| {
        server.iam("ListEntitiesForPolicy", &[&[("PolicyArn", arn.as_str())], more].concat()).output()
    };
    let all = entities(&[]);
    assert_eq!(
        (names(&all["PolicyRoles"], "RoleName"), names(&all["PolicyUsers"], "UserName")),
        (vec!["Nile"], vec!["Ana"])
    );
    let permitted = entities(&[("PolicyUsageFilter", "PermissionsPolicy")]);
    assert_eq!(
        (names(&permitted["PolicyRoles"], "RoleName"), &permitted["PolicyUsers"]),
        (vec!["Nile"], &json!(""))
    );
    assert_eq!(entities(&[("EntityFilter", "User")])["PolicyRoles"], "");
    assert_eq!(entities(&[("PathPrefix", "/nowhere/")])["PolicyUsers"], "");
}

#[test]
fn managed_policies_of_aws_never_change() {
    let server = Server::start();
    let of_aws = "arn:aws:iam::aws:policy/AdministratorAccess";
    let shown = server.iam("GetPolicy", &[("PolicyArn", of_aws)]).output();
    assert_eq!((&shown["Policy"]["AttachmentCount"], &shown["Policy"]["Arn"]), (&json!("0"), &json!(of_aws)));
    let version = server.iam("GetPolicyVersion", &[("PolicyArn", of_aws), ("VersionId", "v1")]).output();
    assert!(decoded(&version["PolicyVersion"]["Document"]).contains("\"Allow\""));
    for (action, more) in [
        ("DeletePolicy", None),
        ("CreatePolicyVersion", Some(("PolicyDocument", allow(&["kms:*"])))),
        ("SetDefaultPolicyVersion", Some(("VersionId", "v1".to_owned()))),
    ] {
        let mut parameters = vec![("PolicyArn", of_aws)];
        parameters.extend(more.as_ref().map(|(name, value)| (*name, value.as_str())));
        assert_eq!(server.iam(action, &parameters).error(), "InvalidInput", "{action}");
    }
}

#[test]
fn a_managed_policy_is_meant_by_its_exact_arn_alone() {
    let server = Server::start();
    let arn = create_policy(&server, "P", &allow(&["kms:*"]));
    let _ = server.create_role(server.root(), "Nile", "*");
    let _ = server.iam("AttachRolePolicy", &[("RoleName", "Nile"), ("PolicyArn", &arn)]).output();
    let shouted = arn.replace(":policy/P", ":policy/p");
    for another in [
        shouted.as_str(),
        "arn:aws:iam:x:iam::aws:policy/AdministratorAccess",
        "arn:aws-cn:iam::aws:policy/AdministratorAccess",
    ] {
        let attach = [("RoleName", "Nile"), ("PolicyArn", another)];
        assert_eq!(server.iam("AttachRolePolicy", &attach).error(), "NoSuchEntity", "{another}");
        assert_eq!(server.iam("DetachRolePolicy", &attach).error(), "NoSuchEntity", "{another}");
        assert_eq!(server.iam("GetPolicy", &[("PolicyArn", another)]).error(), "NoSuchEntity", "{another}");
    }
    let other = server.create_account();
    assert_eq!(server.iam_as(&other, "GetPolicy", &[("PolicyArn", &arn)]).error(), "AccessDenied");
    assert_eq!(
        server.iam("GetPolicy", &[("PolicyArn", "arn:aws:iam::aws:policy/Nonsense")]).error(),
        "NoSuchEntity"
    );
    assert_eq!(
        server.iam("GetPolicy", &[("PolicyArn", "nonsense-that-is-no-arn")]).error(),
        "ValidationError"
    );
}

#[test]
fn of_those_who_attach_a_policy_and_delete_it_at_the_same_moment_one_is_refused() {
    let server = Server::start();
    let _ = server.create_role(server.root(), "Nile", "*");
    for round in 0..20 {
        let arn = create_policy(&server, &format!("p{round}"), &allow(&["kms:*"]));
        let (attached, deleted) = thread::scope(|scope| {
            let attached = scope.spawn(|| {
                server.iam("AttachRolePolicy", &[("RoleName", "Nile"), ("PolicyArn", arn.as_str())])
            });
            let deleted = scope.spawn(|| server.iam("DeletePolicy", &[("PolicyArn", arn.as_str())]));
            (attached.join().unwrap(), deleted.join().unwrap())
        });
        match (attached.status, deleted.status) {
            (200, 409) => {
                deleted.refuses("DeleteConflict", "Cannot delete a policy attached to entities.");
                let _ = server.iam("DetachRolePolicy", &[("RoleName", "Nile"), ("PolicyArn", &arn)]).output();
            }
            (404, 200) => attached
                .refuses("NoSuchEntity", &format!("Policy {arn} does not exist or is not attachable.")),
            _ => panic!("{} and {}", attached.text(), deleted.text()),
        }
    }
    assert_eq!(
        server.iam("ListAttachedRolePolicies", &[("RoleName", "Nile")]).output()["AttachedPolicies"],
        ""
    );
}

#[test]
fn lists_come_page_by_page_and_whole() {
    let server = Server::start();
    let trust = trust_of(&json!("*"));
    for name in ["delta", "Alpha", "charlie", "Bravo", "echo"] {
        let path = if name == "echo" { "/other/" } else { "/a/" };
        let parameters = [
            ("RoleName", name),
            ("Path", path),
            ("AssumeRolePolicyDocument", &trust),
            ("Tags.member.1.Key", "k"),
            ("Tags.member.1.Value", "v"),
        ];
        let _ = server.iam("CreateRole", &parameters).output();
        let arn = create_policy(&server, name, &allow(&["kms:*"]));
        let _ = server.iam("AttachRolePolicy", &[("RoleName", name), ("PolicyArn", &arn)]).output();
    }
    let _ = server.create_user(server.root(), "Ana");
    let texts = |entries: &[Value], member: &str| -> Vec<String> {
        entries.iter().map(|entry| entry[member].as_str().unwrap().to_owned()).collect()
    };
    let roles = pages(&server, "ListRoles", &[], "Roles", 2);
    assert_eq!(texts(&roles, "RoleName"), ["Alpha", "Bravo", "charlie", "delta", "echo"]);
    assert!(roles.iter().all(|role| role.get("Tags").is_none()));
    let roles = pages(&server, "ListRoles", &[("PathPrefix", "/a/")], "Roles", 3);
    assert_eq!(texts(&roles, "RoleName"), ["Alpha", "Bravo", "charlie", "delta"]);
    let local = pages(&server, "ListPolicies", &[("Scope", "Local")], "Policies", 2);
    assert_eq!(texts(&local, "PolicyName"), ["Alpha", "Bravo", "charlie", "delta", "echo"]);
    let of_aws = pages(&server, "ListPolicies", &[("Scope", "AWS")], "Policies", 2);
    assert!(texts(&of_aws, "PolicyName").contains(&"AdministratorAccess".to_owned()));
    assert_eq!(pages(&server, "ListPolicies", &[], "Policies", 3).len(), local.len() + of_aws.len());
    let attached = pages(&server, "ListPolicies", &[("OnlyAttached", "true")], "Policies", 2);
    assert_eq!(attached.len(), 5);
    let bounding =
        pages(&server, "ListPolicies", &[("PolicyUsageFilter", "PermissionsBoundary")], "Policies", 2);
    assert!(bounding.is_empty());
    for marker in ["nonsense", "policies:delta", "role:"] {
        assert_eq!(server.iam("ListRoles", &[("Marker", marker)]).error(), "ValidationError", "{marker}");
    }

    let whole = server
        .iam("GetAccountAuthorizationDetails", &[("Filter.member.1", "Role"), ("Filter.member.2", "User")])
        .output();
    assert_eq!(names(&whole["RoleDetailList"], "RoleName").len(), 5);
    assert_eq!(names(&whole["UserDetailList"], "UserName"), ["Ana"]);
    assert_eq!(whole["Policies"], "");
    assert_eq!(decoded(&whole["RoleDetailList"][0]["AssumeRolePolicyDocument"]), trust);
    let (mut found, mut marker) = (0, String::new());
    loop {
        let mut parameters = vec![("MaxItems", "4")];
        if !marker.is_empty() {
            parameters.push(("Marker", marker.as_str()));
        }
        let page = server.iam("GetAccountAuthorizationDetails", &parameters).output();
        for members in ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"] {
            found += list(&page[members]).len();
        }
        if page["IsTruncated"] == "false" {
            break;
        }
        marker = page["Marker"].as_str().unwrap().to_owned();
    }
    assert_eq!(found, 1 + 5 + local.len() + of_aws.len());
    let summary = server.iam("GetAccountSummary", &[]).output();
    let summary = &summary["SummaryMap"];
    assert_eq!(
        (&summary["Roles"], &summary["Policies"], &summary["Users"]),
        (&json!("5"), &json!("5"), &json!("1"))
    );
    assert_eq!((&summary["AccountAccessKeysPresent"], &summary["RolesQuota"]), (&json!("1"), &json!("1000")));
    assert_eq!(server.iam("ListAccountAliases", &[]).output()["AccountAliases"], "");
}

/// What a simulation says of one action of a principal, on anything.
fn simulated(server: &Server, source: &str, action: &str, more: &[(&str, &str)]) -> Value {
    let asked = [("PolicySourceArn", source), ("ActionNames.member.1", action)];
    let answer = server.iam("SimulatePrincipalPolicy", &[&asked, more].concat()).output();
    answer["EvaluationResults"][0].clone()
}

#[test]
fn a_simulation_says_what_a_call_then_comes_to() {
    let server = Server::start();
    let statements = json!([
        {"Effect": "Allow", "Action": ["kms:ListKeys", "kms:ListAliases"], "Resource": "*"},
        {"Effect": "Allow", "Action": "kms:GenerateRandom", "Resource": "*", "Condition": {"StringEquals": {"aws:username": "Ana"}}},
        {"Effect": "Allow", "Action": "kms:CreateKey", "Resource": "*", "Condition": {"StringEquals": {"aws:RequestTag/team": "blue"}}},
        {"Effect": "Deny", "Action": "kms:ListAliases", "Resource": "*"},
    ]);
    let user = server.create_user_with(server.root(), "Ana", &statements);
    let calls = [
        ("ListKeys", json!({}), "allowed"),
        ("ListAliases", json!({}), "explicitDeny"),
        ("GenerateRandom", json!({"NumberOfBytes": 1}), "allowed"),
        ("CreateKey", json!({}), "implicitDeny"),
    ];
    let agree = |expected: &[&str]| {
        for ((operation, input, _), expected) in calls.iter().zip(expected) {
            let result = simulated(&server, &user.arn, &format!("kms:{operation}"), &[]);
            assert_eq!(result["EvalDecision"], *expected, "{operation}");
            let answer = server.call_as(&user.caller, operation, input);
            assert_eq!(answer.status == 200, *expected == "allowed", "{operation}: {}", answer.text());
        }
    };
    agree(&calls.each_ref().map(|(_, _, expected)| *expected));
    let matched = &simulated(&server, &user.arn, "kms:ListAliases", &[])["MatchedStatements"];
    assert_eq!(names(matched, "SourcePolicyType"), ["IAM Policy", "IAM Policy"]);
    assert_eq!(names(matched, "SourcePolicyId")[0], "user_Ana_of-the-test");

    let missing = simulated(&server, &user.arn, "kms:CreateKey", &[]);
    assert_eq!(missing["MissingContextValues"], json!(["aws:RequestTag/team"]));
    let entry = |value: &'static str| {
        [
            ("ContextEntries.member.1.ContextKeyName", "AWS:requesttag/Team"),
            ("ContextEntries.member.1.ContextKeyType", "string"),
            ("ContextEntries.member.1.ContextKeyValues.member.1", value),
        ]
    };
    assert_eq!(simulated(&server, &user.arn, "kms:CreateKey", &entry("blue"))["EvalDecision"], "allowed");
    assert_eq!(simulated(&server, &user.arn, "kms:CreateKey", &entry("red"))["EvalDecision"], "implicitDeny");
    let tagged = json!({"Tags": [{"TagKey": "team", "TagValue": "blue"}]});
    assert_eq!(
        server.call_as(&user.caller, "CreateKey", &tagged).status,
        400,
        "tagging needs kms:TagResource too"
    );

    let bound = create_policy(&server, "bound", &allow(&["kms:GenerateRandom"]));
    let _ = server
        .iam("PutUserPermissionsBoundary", &[("UserName", "Ana"), ("PermissionsBoundary", &bound)])
        .output();
    agree(&["implicitDeny", "explicitDeny", "allowed", "implicitDeny"]);
    let bounded = simulated(&server, &user.arn, "kms:ListKeys", &[]);
    assert_eq!(bounded["PermissionsBoundaryDecisionDetail"]["AllowedByPermissionsBoundary"], "false");
    let keys = server.iam("GetContextKeysForPrincipalPolicy", &[("PolicySourceArn", &user.arn)]).output();
    assert_eq!(keys["ContextKeyNames"], json!(["aws:RequestTag/team", "aws:username"]));
    let nobody = format!("{}x", user.arn);
    assert_eq!(
        server
            .iam(
                "SimulatePrincipalPolicy",
                &[("PolicySourceArn", &nobody), ("ActionNames.member.1", "kms:Encrypt")]
            )
            .error(),
        "NoSuchEntity"
    );
}

#[test]
fn a_simulation_of_given_policies_takes_a_keys_policy_into_account() {
    let server = Server::start();
    let user = server.create_user(server.root(), "Ana");
    let key = server.create_key();
    let account = account_of(&server);
    let document = allow(&["kms:Decrypt"]);
    let simulate = |more: &[(&str, &str)]| {
        let asked = [
            ("PolicyInputList.member.1", document.as_str()),
            ("ActionNames.member.1", "KMS:decrypt"),
            ("ResourceArns.member.1", &key),
        ];
        server.iam("SimulateCustomPolicy", &[&asked, more].concat())
    };
    let result = |more: &[(&str, &str)]| simulate(more).output()["EvaluationResults"][0].clone();
    let plain = result(&[]);
    assert_eq!(
        (&plain["EvalDecision"], &plain["EvalActionName"]),
        (&json!("allowed"), &json!("kms:Decrypt"))
    );
    assert_eq!(plain["EvalResourceName"], key.as_str());
    assert_eq!(names(&plain["MatchedStatements"], "SourcePolicyId"), ["PolicyInputList.1"]);
    let naming = |principal: &str| {
        policy(
            &json!([{"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "kms:*", "Resource": "*"}]),
        )
    };
    let caller = ("CallerArn", user.arn.as_str());
    let root = naming(&format!("arn:aws:iam::{account}:root"));
    assert_eq!(result(&[("ResourcePolicy", &root), caller])["EvalDecision"], "allowed");
    let other = naming("arn:aws:iam::999999999999:root");
    assert_eq!(result(&[("ResourcePolicy", &other), caller])["EvalDecision"], "implicitDeny");
    let direct = naming(&user.arn);
    let encrypt = ("ActionNames.member.1", "kms:Encrypt");
    assert_eq!(result(&[encrypt])["EvalDecision"], "implicitDeny");
    let allowed = result(&[encrypt, ("ResourcePolicy", &direct), caller]);
    assert_eq!(allowed["EvalDecision"], "allowed");
    assert_eq!(names(&allowed["MatchedStatements"], "SourcePolicyId"), ["ResourcePolicy"]);
    let _ = server.call(
        "PutKeyPolicy",
        &json!({"KeyId": key, "Policy": direct, "BypassPolicyLockoutSafetyCheck": true}),
    );
    let plaintext = json!({"KeyId": key, "Plaintext": "AQ=="});
    assert_eq!(server.call_as(&user.caller, "Encrypt", &plaintext).status, 200, "as was simulated");
    assert_eq!(simulate(&[("ResourcePolicy", &root)]).error(), "InvalidInput");
    assert_eq!(simulate(&[("PermissionsBoundaryPolicyInputList.member.1", "{}")]).error(), "InvalidInput");
    let several = simulate(&[("ResourceArns.member.2", "*")]).output();
    let results = list(&several["EvaluationResults"]);
    assert_eq!((results.len(), list(&results[0]["ResourceSpecificResults"]).len()), (1, 2));
    let many: Vec<(String, String)> = (0..1001)
        .map(|number| (format!("ActionNames.member.{}", number + 2), "kms:Sign".to_owned()))
        .collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(simulate(&many).error(), "InvalidInput");
    for wrong in ["kms:*", "nothing", "kms:De?rypt"] {
        assert_eq!(
            server
                .iam(
                    "SimulateCustomPolicy",
                    &[("PolicyInputList.member.1", &document), ("ActionNames.member.1", wrong)]
                )
                .error(),
            "InvalidInput"
        );
    }
}

#[test]
fn providers_are_registered_once_under_an_https_url() {
    let server = Server::start();
    let create = |url: &str| create_provider(&server, url);
    let made = create("https://oidc.example.com/realms/nile").output();
    let account = account_of(&server);
    let arn = format!("arn:aws:iam::{account}:oidc-provider/oidc.example.com/realms/nile");
    assert_eq!(made["OpenIDConnectProviderArn"], arn);
    create("https://oidc.example.com/realms/nile").refuses(
        "EntityAlreadyExists",
        "Provider with url https://oidc.example.com/realms/nile already exists.",
    );
    create("http://oidc.example.com")
        .refuses("InvalidInput", "Invalid Open ID Connect Provider URL. The URL must begin with https://.");
    create("oidc.example.com").refuses("ValidationError", "Invalid Open ID Connect Provider URL");
}

#[test]
fn providers_are_changed_listed_and_forgotten() {
    let server = Server::start();
    let _ = create_provider(&server, "https://oidc.example.com/realms/nile").output();
    let account = account_of(&server);
    let arn = format!("arn:aws:iam::{account}:oidc-provider/oidc.example.com/realms/nile");
    let named = [("OpenIDConnectProviderArn", arn.as_str())];
    let thumbprint = "0123456789abcdefABCDEF0123456789abcdef01";
    let _ = server
        .iam(
            "UpdateOpenIDConnectProviderThumbprint",
            &joined(&named, &[("ThumbprintList.member.1", thumbprint)]),
        )
        .output();
    let not_hexadecimal = "x".repeat(40);
    assert_eq!(
        server
            .iam(
                "UpdateOpenIDConnectProviderThumbprint",
                &joined(&named, &[("ThumbprintList.member.1", &not_hexadecimal)])
            )
            .error(),
        "InvalidInput"
    );
    for _ in 0..2 {
        let _ = server
            .iam("AddClientIDToOpenIDConnectProvider", &joined(&named, &[("ClientID", "other")]))
            .output();
        let _ = server
            .iam("RemoveClientIDFromOpenIDConnectProvider", &joined(&named, &[("ClientID", "app")]))
            .output();
    }
    let _ = server
        .iam(
            "TagOpenIDConnectProvider",
            &joined(&named, &[("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "blue")]),
        )
        .output();
    let _ = server.iam("UntagOpenIDConnectProvider", &joined(&named, &[("TagKeys.member.1", "k")])).output();
    assert_eq!(
        server.iam("ListOpenIDConnectProviderTags", &named).output()["Tags"],
        json!([{"Key": "team", "Value": "blue"}])
    );
    let shown = server.iam("GetOpenIDConnectProvider", &named).output();
    assert_eq!(
        (&shown["Url"], &shown["ClientIDList"]),
        (&json!("oidc.example.com/realms/nile"), &json!(["other"]))
    );
    assert_eq!(shown["ThumbprintList"], json!([thumbprint.to_lowercase()]));
    let listed = server.iam("ListOpenIDConnectProviders", &[]).output();
    assert_eq!(listed["OpenIDConnectProviderList"], json!([{"Arn": arn}]));
    let trust = policy(
        &json!([{"Effect": "Allow", "Principal": {"Federated": arn}, "Action": "sts:AssumeRoleWithWebIdentity"}]),
    );
    let _ = server.iam("CreateRole", &[("RoleName", "web"), ("AssumeRolePolicyDocument", &trust)]).output();
    let other = server.create_account();
    assert_eq!(server.iam_as(&other, "GetOpenIDConnectProvider", &named).error(), "AccessDenied");
    for _ in 0..2 {
        let _ = server.iam("DeleteOpenIDConnectProvider", &named).output();
    }
    server
        .iam("GetOpenIDConnectProvider", &named)
        .refuses("NoSuchEntity", &format!("OpenIDConnect Provider not found for arn {arn}"));
}

#[test]
fn conditions_see_boundaries_attached_policies_and_tags_of_requests() {
    let server = Server::start();
    let bound = create_policy(&server, "bound", &allow(&["kms:*"]));
    let harmless = create_policy(&server, "harmless", &allow(&["kms:ListKeys"]));
    let statements = json!([
        {"Effect": "Allow", "Action": ["iam:CreateRole", "iam:TagRole"], "Resource": "arn:aws:iam::*:role/team/*",
         "Condition": {"ArnEquals": {"iam:PermissionsBoundary": bound}, "StringEquals": {"aws:RequestTag/team": "blue"}}},
        {"Effect": "Allow", "Action": "iam:AttachRolePolicy", "Resource": "*",
         "Condition": {"ArnEquals": {"iam:PolicyARN": harmless, "iam:PermissionsBoundary": bound}}},
        {"Effect": "Allow", "Action": "iam:UntagRole", "Resource": "*",
         "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["free"]}, "StringEquals": {"aws:ResourceTag/team": "blue"}}},
    ]);
    let admin = server.create_user_with(server.root(), "admin", &statements);
    let trust = trust_of(&json!("*"));
    let create = |name: &str, path: &str, boundary: Option<&str>, team: &str| {
        let mut parameters = vec![
            ("RoleName", name),
            ("Path", path),
            ("AssumeRolePolicyDocument", &trust),
            ("Tags.member.1.Key", "team"),
            ("Tags.member.1.Value", team),
        ];
        parameters.extend(boundary.map(|boundary| ("PermissionsBoundary", boundary)));
        server.iam_as(&admin.caller, "CreateRole", &parameters).status
    };
    assert_eq!(create("a", "/team/", None, "blue"), 403);
    assert_eq!(create("a", "/team/", Some(&harmless), "blue"), 403);
    assert_eq!(create("a", "/other/", Some(&bound), "blue"), 403);
    assert_eq!(create("a", "/team/", Some(&bound), "red"), 403);
    assert_eq!(create("a", "/team/", Some(&bound), "blue"), 200);
    let attach = |role: &str, arn: &str| {
        server.iam_as(&admin.caller, "AttachRolePolicy", &[("RoleName", role), ("PolicyArn", arn)]).status
    };
    let _ = server.create_role(server.root(), "unbound", "*");
    assert_eq!(attach("a", &harmless), 200);
    assert_eq!(attach("a", "arn:aws:iam::aws:policy/AdministratorAccess"), 403);
    assert_eq!(attach("unbound", &harmless), 403);
    let untag = |role: &str, key: &str| {
        server.iam_as(&admin.caller, "UntagRole", &[("RoleName", role), ("TagKeys.member.1", key)]).status
    };
    assert_eq!((untag("a", "free"), untag("a", "team"), untag("unbound", "free")), (200, 403, 403));
    let denied = server.iam_as(&admin.caller, "GetRole", &[("RoleName", "a")]);
    let account = account_of(&server);
    denied.denies(&format!(
        "User: arn:aws:iam::{account}:user/admin is not authorized to perform: iam:GetRole on resource: arn:aws:iam::{account}:role/team/a because no identity-based policy allows the iam:GetRole action"
    ));
    let maker =
        json!([{"Effect": "Allow", "Action": ["iam:CreateRole", "iam:CreatePolicy"], "Resource": "*"}]);
    let maker = server.create_user_with(server.root(), "maker", &maker);
    let untagged = [("RoleName", "b"), ("AssumeRolePolicyDocument", trust.as_str())];
    let tagged = joined(&untagged, &[("Tags.member.1.Key", "k"), ("Tags.member.1.Value", "v")]);
    let denied = server.iam_as(&maker.caller, "CreateRole", &tagged).fault().1.unwrap();
    assert!(denied.contains("is not authorized to perform: iam:TagRole on resource"), "{denied}");
    let _ = server.iam_as(&maker.caller, "CreateRole", &untagged).output();
    let unseen = server.iam_as(&admin.caller, "GetRole", &[("RoleName", "not-there")]);
    assert_eq!(unseen.error(), "AccessDenied", "whether a role is there is told only to those who may look");
}

#[test]
fn the_record_of_a_change_shows_what_was_asked_and_made() {
    let server = Server::start();
    let trust = trust_of(&json!("*"));
    let made = server.iam("CreateRole", &[("RoleName", "Nile"), ("AssumeRolePolicyDocument", &trust)]);
    let record = server.record_of(&made);
    assert_eq!(
        (&record["eventSource"], &record["eventName"]),
        (&json!("iam.amazonaws.com"), &json!("CreateRole"))
    );
    assert_eq!(record["requestParameters"], json!({"roleName": "Nile", "assumeRolePolicyDocument": trust}));
    let role = &record["responseElements"]["role"];
    assert_eq!(role["arn"], made.output()["Role"]["Arn"]);
    assert_eq!(role["roleId"], made.output()["Role"]["RoleId"]);
}
