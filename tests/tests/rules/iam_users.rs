//! Users, groups and access keys: their life, their limits, and whom the service lets in with what they have.

use blackbox::{Caller, Server, list, policy};
use serde_json::{Value, json};

const READ_KEYS: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:ListKeys","Resource":"*"}}"#;
const POWER_USER: &str = "arn:aws:iam::aws:policy/AWSKeyManagementServicePowerUser";
const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// Parameters by name.
type Parameters<'a> = &'a [(&'a str, &'a str)];
/// A call, and the error and the message that it gets.
type Refusal<'a> = (&'a str, Parameters<'a>, &'a str, &'a str);

fn texts<'a>(values: &'a Value, member: &str) -> Vec<&'a str> {
    list(values).iter().map(|value| value[member].as_str().unwrap()).collect()
}

fn list_keys(server: &Server, caller: &Caller) -> String {
    let answer = server.call_as(caller, "ListKeys", &json!({}));
    if answer.status == 200 { "allowed".to_owned() } else { answer.error() }
}

fn named(name: &str) -> [(&'static str, &str); 1] {
    [("UserName", name)]
}

#[test]
fn a_user_lives_from_its_creation_to_its_deletion() {
    let server = Server::start();
    let account = server.account_id(server.root());
    let tags = [("Tags.member.1.Key", "Team"), ("Tags.member.1.Value", "delta")];
    let made = server
        .iam("CreateUser", &[&[("UserName", "Nile"), ("Path", "/rivers/")], &tags[..]].concat())
        .output()["User"]
        .clone();
    assert_eq!(made["Arn"], format!("arn:aws:iam::{account}:user/rivers/Nile"));
    assert_eq!((&made["UserName"], &made["Path"]), (&json!("Nile"), &json!("/rivers/")));
    assert!(made["UserId"].as_str().unwrap().starts_with("AIDA"));
    assert_eq!(made["Tags"], json!([{"Key": "Team", "Value": "delta"}]));
    assert_eq!(server.iam("GetUser", &named("nile")).output()["User"], made, "names compare without case");

    let set = [("UserName", "Nile"), ("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "blue")];
    let _ = server.iam("TagUser", &set).output();
    let tags = server.iam("ListUserTags", &named("Nile")).output();
    assert_eq!(tags["Tags"], json!([{"Key": "team", "Value": "blue"}]));
    let _ = server.iam("UntagUser", &[("UserName", "Nile"), ("TagKeys.member.1", "TEAM")]).output();
    assert!(list(&server.iam("ListUserTags", &named("Nile")).output()["Tags"]).is_empty());

    let renamed = [("UserName", "Nile"), ("NewUserName", "Blue"), ("NewPath", "/springs/")];
    let _ = server.iam("UpdateUser", &renamed).output();
    let blue = server.iam("GetUser", &named("Blue")).output()["User"].clone();
    assert_eq!(blue["Arn"], format!("arn:aws:iam::{account}:user/springs/Blue"));
    assert_eq!(blue["UserId"], made["UserId"]);
    server.iam("GetUser", &named("Nile")).refuses("NoSuchEntity", "The user with name Nile cannot be found.");
    let of_path = |prefix| server.iam("ListUsers", &[("PathPrefix", prefix)]).output()["Users"].clone();
    assert_eq!(texts(&of_path("/springs/"), "UserName"), ["Blue"]);
    assert!(list(&of_path("/rivers/")).is_empty());

    let _ = server.iam("DeleteUser", &named("Blue")).output();
    server.iam("GetUser", &named("Blue")).refuses("NoSuchEntity", "The user with name Blue cannot be found.");
    let again = server.iam("CreateUser", &named("Blue")).output();
    assert_ne!(again["User"]["UserId"], made["UserId"], "a later user of the name is somebody else");
}

#[test]
fn a_user_without_policies_can_do_nothing_and_with_one_what_it_says_from_the_next_call_on() {
    let server = Server::start();
    let nile = server.create_user(server.root(), "nile");
    assert_eq!(list_keys(&server, &nile.caller), "AccessDeniedException");
    let named = [("UserName", "nile"), ("PolicyArn", POWER_USER)];
    let _ = server.iam("AttachUserPolicy", &named).output();
    assert_eq!(list_keys(&server, &nile.caller), "allowed");
    let attached = server.iam("ListAttachedUserPolicies", &[("UserName", "nile")]).output();
    assert_eq!(texts(&attached["AttachedPolicies"], "PolicyArn"), [POWER_USER]);
    assert_eq!(texts(&attached["AttachedPolicies"], "PolicyName"), ["AWSKeyManagementServicePowerUser"]);
    let _ = server.iam("DetachUserPolicy", &named).output();
    assert_eq!(list_keys(&server, &nile.caller), "AccessDeniedException");

    let inline = [("UserName", "nile"), ("PolicyName", "read"), ("PolicyDocument", READ_KEYS)];
    let _ = server.iam("PutUserPolicy", &inline).output();
    assert_eq!(list_keys(&server, &nile.caller), "allowed");
    let got = server.iam("GetUserPolicy", &[("UserName", "nile"), ("PolicyName", "read")]).output();
    assert!(got["PolicyDocument"].as_str().unwrap().starts_with("%7B%22Version%22%3A%222012-10-17%22"));
    assert_eq!(
        server.iam("ListUserPolicies", &[("UserName", "nile")]).output()["PolicyNames"],
        json!(["read"])
    );

    let bounded = [("UserName", "nile"), ("PermissionsBoundary", "arn:aws:iam::aws:policy/IAMFullAccess")];
    let _ = server.iam("PutUserPermissionsBoundary", &bounded).output();
    assert_eq!(list_keys(&server, &nile.caller), "AccessDeniedException");
    let user = server.iam("GetUser", &[("UserName", "nile")]).output();
    assert_eq!(user["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"], bounded[1].1);
    let _ = server.iam("DeleteUserPermissionsBoundary", &[("UserName", "nile")]).output();
    assert_eq!(list_keys(&server, &nile.caller), "allowed");

    let _ = server.iam("DeleteUserPolicy", &[("UserName", "nile"), ("PolicyName", "read")]).output();
    assert_eq!(list_keys(&server, &nile.caller), "AccessDeniedException");
}

#[test]
fn who_is_in_a_group_may_do_what_the_group_may_whatever_it_is_called() {
    let server = Server::start();
    let nile = server.create_user(server.root(), "nile");
    let made = server.iam("CreateGroup", &[("GroupName", "Rivers")]).output();
    assert!(made["Group"]["GroupId"].as_str().unwrap().starts_with("AGPA"));
    let inline = [("GroupName", "Rivers"), ("PolicyName", "read"), ("PolicyDocument", READ_KEYS)];
    let _ = server.iam("PutGroupPolicy", &inline).output();
    assert_eq!(list_keys(&server, &nile.caller), "AccessDeniedException");
    let both = |group| [("GroupName", group), ("UserName", "nile")];
    let _ = server.iam("AddUserToGroup", &both("rivers")).output();
    let _ = server.iam("AddUserToGroup", &both("Rivers")).output();
    assert_eq!(list_keys(&server, &nile.caller), "allowed");
    let groups = server.iam("ListGroupsForUser", &[("UserName", "nile")]).output();
    assert_eq!(texts(&groups["Groups"], "GroupName"), ["Rivers"]);

    let _ = server.iam("UpdateGroup", &[("GroupName", "Rivers"), ("NewGroupName", "Streams")]).output();
    assert_eq!(list_keys(&server, &nile.caller), "allowed");
    server
        .iam("GetGroup", &[("GroupName", "Rivers")])
        .refuses("NoSuchEntity", "The group with name Rivers cannot be found.");
    let group = server.iam("GetGroup", &[("GroupName", "streams")]).output();
    assert_eq!(texts(&group["Users"], "UserName"), ["nile"]);
    assert_eq!(group["Group"]["GroupId"], made["Group"]["GroupId"]);

    let _ = server.iam("UpdateUser", &[("UserName", "nile"), ("NewUserName", "Blue")]).output();
    assert_eq!(list_keys(&server, &nile.caller), "allowed", "its access key stays its own");
    let group = server.iam("GetGroup", &[("GroupName", "streams")]).output();
    assert_eq!(texts(&group["Users"], "UserName"), ["Blue"]);

    let conflict = |words: &str| {
        let message = format!("Cannot delete entity, must {words} first.");
        server.iam("DeleteGroup", &[("GroupName", "Streams")]).refuses("DeleteConflict", &message);
    };
    conflict("remove users from group");
    let _ = server.iam("RemoveUserFromGroup", &[("GroupName", "Streams"), ("UserName", "Blue")]).output();
    assert_eq!(list_keys(&server, &nile.caller), "AccessDeniedException");
    conflict("delete policies");
    let attached = [("GroupName", "Streams"), ("PolicyArn", ADMINISTRATOR)];
    let _ = server.iam("AttachGroupPolicy", &attached).output();
    conflict("detach all policies");
    let _ = server.iam("DetachGroupPolicy", &attached).output();
    let _ = server.iam("DeleteGroupPolicy", &[("GroupName", "Streams"), ("PolicyName", "read")]).output();
    let _ = server.iam("DeleteGroup", &[("GroupName", "Streams")]).output();
    assert!(list(&server.iam("ListGroups", &[]).output()["Groups"]).is_empty());
}

/// A group of so many users.
fn group_of(server: &Server, name: &str, users: usize) -> Vec<String> {
    let _ = server.iam("CreateGroup", &[("GroupName", name)]).output();
    let names: Vec<String> = (0..users).map(|number| format!("user-{number:03}")).collect();
    for user in &names {
        let _ = server.iam("CreateUser", &[("UserName", user)]).output();
        let _ = server.iam("AddUserToGroup", &[("GroupName", name), ("UserName", user)]).output();
    }
    names
}

/// The names of the users in a group, read page by page.
fn members(server: &Server, group: &str) -> Vec<String> {
    let (mut found, mut marker) = (Vec::new(), None::<String>);
    loop {
        let mut parameters = vec![("GroupName", group), ("MaxItems", "20")];
        parameters.extend(marker.as_deref().map(|marker| ("Marker", marker)));
        let page = server.iam("GetGroup", &parameters).output();
        found.extend(texts(&page["Users"], "UserName").into_iter().map(str::to_owned));
        marker = page["Marker"].as_str().map(str::to_owned);
        assert_eq!(page["IsTruncated"], marker.is_some().to_string());
        if marker.is_none() {
            return found;
        }
    }
}

fn groups(server: &Server) -> Vec<String> {
    let answer = server.iam("ListGroups", &[]).output();
    texts(&answer["Groups"], "GroupName").into_iter().map(str::to_owned).collect()
}

fn groups_of(server: &Server, user: &str) -> Vec<String> {
    let answer = server.iam("ListGroupsForUser", &[("UserName", user)]).output();
    texts(&answer["Groups"], "GroupName").into_iter().map(str::to_owned).collect()
}

#[test]
fn a_group_with_more_members_than_a_commit_holds_is_renamed_whole() {
    let server = Server::start();
    let users = group_of(&server, "old", 45);
    for (old, new) in [("old", "new"), ("new", "New")] {
        let _ = server.iam("UpdateGroup", &[("GroupName", old), ("NewGroupName", new)]).output();
        assert_eq!(members(&server, new), users);
        assert_eq!(groups_of(&server, "user-044"), [new]);
        assert_eq!(groups(&server), [new]);
    }
}

#[test]
fn a_renaming_of_a_group_that_a_crash_interrupted_is_finished_by_the_same_request() {
    let server = Server::start();
    let users = group_of(&server, "old", 60);
    let rename = [("GroupName", "old"), ("NewGroupName", "new")];
    let request = server.query("iam", "UpdateGroup", &rename).signed(server.root());
    std::thread::scope(|scope| {
        let renaming =
            scope.spawn(|| server.connect().and_then(|mut connection| connection.exchange(&request)));
        // Until most are moved, unless it is quicker than this test.
        while !renaming.is_finished() && groups_of(&server, "user-039") == ["old"] {}
        server.kill();
    });
    server.start_again();
    if groups(&server).contains(&"old".to_owned()) {
        let _ = server.iam("UpdateGroup", &rename).output();
    }
    assert_eq!((groups(&server), members(&server, "new")), (vec!["new".to_owned()], users));
}

#[test]
fn an_access_key_is_let_in_as_long_as_it_is_there_and_active() {
    let server = Server::start();
    let nile = server.create_user(server.root(), "nile");
    let _ = server.iam("AttachUserPolicy", &[("UserName", "nile"), ("PolicyArn", POWER_USER)]).output();
    let id = nile.caller.access_key_id.as_str();
    assert_eq!(list_keys(&server, &nile.caller), "allowed");
    for (status, then) in [("Inactive", "UnrecognizedClientException"), ("Active", "allowed")] {
        let _ = server
            .iam("UpdateAccessKey", &[("UserName", "nile"), ("AccessKeyId", id), ("Status", status)])
            .output();
        assert_eq!(list_keys(&server, &nile.caller), then);
        let keys = server.iam("ListAccessKeys", &[("UserName", "nile")]).output();
        assert_eq!(texts(&keys["AccessKeyMetadata"], "Status"), [status]);
    }
    let second = server.create_access_key(server.root(), "nile");
    server
        .iam("CreateAccessKey", &[("UserName", "nile")])
        .refuses("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2");
    server
        .iam("UpdateAccessKey", &[("UserName", "nile"), ("AccessKeyId", id), ("Status", "Expired")])
        .refuses("InvalidInput", "The status Expired cannot be set.");
    let _ = server.iam("DeleteAccessKey", &[("UserName", "nile"), ("AccessKeyId", id)]).output();
    assert_eq!(list_keys(&server, &nile.caller), "UnrecognizedClientException");
    assert_eq!(list_keys(&server, &second), "allowed");
    let gone = format!("The Access Key with id {id} cannot be found.");
    let named = [("UserName", "nile"), ("AccessKeyId", id)];
    server.iam("DeleteAccessKey", &named).refuses("NoSuchEntity", &gone);
    server
        .iam("UpdateAccessKey", &[&named[..], &[("Status", "Active")]].concat())
        .refuses("NoSuchEntity", &gone);
}

#[test]
fn an_access_key_of_somebody_else_cannot_be_named_as_ones_own() {
    let server = Server::start();
    let (nile, volga) =
        (server.create_user(server.root(), "nile"), server.create_user(server.root(), "volga"));
    let other = server.create_account();
    let stranger = server.create_user(&other, "nile");
    let _ = server.iam("AttachUserPolicy", &[("UserName", "nile"), ("PolicyArn", ADMINISTRATOR)]).output();
    for id in [&volga.caller.access_key_id, &stranger.caller.access_key_id, &server.root().access_key_id] {
        let named = [("AccessKeyId", id.as_str())];
        let gone = format!("The Access Key with id {id} cannot be found.");
        server.iam_as(&nile.caller, "DeleteAccessKey", &named).refuses("NoSuchEntity", &gone);
    }
    let foreign = [("AccessKeyId", stranger.caller.access_key_id.as_str())];
    let gone = format!("The Access Key with id {} cannot be found.", stranger.caller.access_key_id);
    server.iam_as(&nile.caller, "GetAccessKeyLastUsed", &foreign).refuses("NoSuchEntity", &gone);
    assert_eq!(list_keys(&server, &volga.caller), "AccessDeniedException", "it is still let in");
}

#[test]
fn the_secret_of_an_access_key_is_answered_once_and_never_on_record() {
    let server = Server::start();
    let _ = server.iam("CreateUser", &[("UserName", "nile")]).output();
    let answer = server.iam("CreateAccessKey", &[("UserName", "nile")]);
    let made = answer.output()["AccessKey"].clone();
    let secret = made["SecretAccessKey"].as_str().unwrap();
    assert_eq!((secret.len(), &made["Status"], &made["UserName"]), (40, &json!("Active"), &json!("nile")));
    let record = server.record_of(&answer);
    assert_eq!(record["eventSource"], "iam.amazonaws.com");
    assert_eq!(record["requestParameters"], json!({"userName": "nile"}));
    assert_eq!(record["responseElements"]["accessKey"]["accessKeyId"], made["AccessKeyId"]);
    assert!(server.journal().iter().all(|record| !record.to_string().contains(secret)));
    assert!(!server.log().contains(secret));
}

#[test]
fn the_last_use_of_an_access_key_is_known_at_once_and_after_a_restart() {
    let server = Server::builder().dev_clock().start();
    let nile = server.create_user(server.root(), "nile");
    let asked = [("AccessKeyId", nile.caller.access_key_id.as_str())];
    let last = || server.iam("GetAccessKeyLastUsed", &asked).output();
    let never = json!({"UserName": "nile", "AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"}});
    assert_eq!(last(), never);
    assert_eq!(list_keys(&server, &nile.caller), "AccessDeniedException");
    let first = last()["AccessKeyLastUsed"].clone();
    assert_eq!((&first["ServiceName"], &first["Region"]), (&json!("kms"), &json!(nile.caller.region)));
    server.advance("1d");
    assert_eq!(server.iam_as(&nile.caller.in_region("us-east-1"), "GetUser", &[]).error(), "AccessDenied");
    let second = last()["AccessKeyLastUsed"].clone();
    assert_eq!((&second["ServiceName"], &second["Region"]), (&json!("iam"), &json!("us-east-1")));
    assert!(second["LastUsedDate"].as_str() > first["LastUsedDate"].as_str());
    server.restart();
    assert_eq!(last()["AccessKeyLastUsed"], second);
    assert_eq!(list_keys(&server, &nile.caller), "AccessDeniedException");
    let _ = server.iam("DeleteAccessKey", &[("UserName", "nile"), asked[0]]).output();
    server.restart();
    assert!(!server.log().contains("cannot be written down"), "a use of what is gone stops nothing");
    let gone = format!("The Access Key with id {} cannot be found.", nile.caller.access_key_id);
    server.iam("GetAccessKeyLastUsed", &asked).refuses("NoSuchEntity", &gone);
}

#[test]
fn without_a_name_the_caller_means_itself() {
    let server = Server::start();
    let account = server.account_id(server.root());
    let root = server.iam("GetUser", &[]).output()["User"].clone();
    assert_eq!(
        (&root["UserId"], &root["Arn"]),
        (&json!(account), &json!(format!("arn:aws:iam::{account}:root")))
    );
    let own = json!([{"Effect": "Allow", "Action": ["iam:GetUser", "iam:*AccessKey*"],
                      "Resource": "arn:aws:iam::*:user/${aws:username}"}]);
    let nile = server.create_user_with(server.root(), "nile", &own);
    let _ = server.create_user(server.root(), "volga");
    assert_eq!(server.iam_as(&nile.caller, "GetUser", &[]).output()["User"]["UserName"], "nile");
    assert_eq!(server.iam_as(&nile.caller, "GetUser", &[("UserName", "volga")]).error(), "AccessDenied");
    let made = server.iam_as(&nile.caller, "CreateAccessKey", &[]).output();
    let ids = texts(
        &server.iam("ListAccessKeys", &[("UserName", "nile")]).output()["AccessKeyMetadata"],
        "AccessKeyId",
    )
    .into_iter()
    .map(str::to_owned)
    .collect::<Vec<_>>();
    assert_eq!(ids, [nile.caller.access_key_id.as_str(), made["AccessKey"]["AccessKeyId"].as_str().unwrap()]);
    let roots = server.iam("ListAccessKeys", &[]).output();
    assert_eq!(texts(&roots["AccessKeyMetadata"], "AccessKeyId"), [server.root().access_key_id.as_str()]);
}

#[test]
fn whether_a_user_is_there_is_told_only_to_those_who_may_ask() {
    let server = Server::start();
    let account = server.account_id(server.root());
    let nile = server.create_user(server.root(), "nile");
    for name in ["nile", "nobody"] {
        let denied = format!(
            "User: {} is not authorized to perform: iam:GetUser on resource: arn:aws:iam::{account}:user/{name} because no \
             identity-based policy allows the iam:GetUser action",
            nile.arn
        );
        server.iam_as(&nile.caller, "GetUser", &[("UserName", name)]).denies(&denied);
    }
}

#[test]
fn accounts_know_nothing_of_each_others_users() {
    let server = Server::start();
    let other = server.create_account();
    let _ = server.create_user(server.root(), "nile");
    let gone = "The user with name nile cannot be found.";
    for operation in ["GetUser", "DeleteUser", "ListAccessKeys", "ListUserPolicies", "ListGroupsForUser"] {
        server.iam_as(&other, operation, &[("UserName", "nile")]).refuses("NoSuchEntity", gone);
    }
    assert!(list(&server.iam_as(&other, "ListUsers", &[]).output()["Users"]).is_empty());
    let _ = server.iam_as(&other, "CreateUser", &[("UserName", "nile")]).output();
    assert_eq!(texts(&server.iam("ListUsers", &[]).output()["Users"], "UserName"), ["nile"]);
}

fn one_of_each(server: &Server) {
    let _ = server.iam("CreateUser", &[("UserName", "nile")]).output();
    let _ = server.iam("CreateUser", &[("UserName", "volga")]).output();
    let _ = server.iam("CreateGroup", &[("GroupName", "rivers")]).output();
}

fn refused(server: &Server, refusals: &[Refusal<'_>]) {
    for (operation, parameters, error, message) in refusals {
        server.iam(operation, parameters).refuses(error, message);
    }
}

#[test]
fn what_is_there_already_or_missing_is_refused_in_words_of_aws() {
    let server = Server::start();
    one_of_each(&server);
    let rename = [("UserName", "nile"), ("NewUserName", "Volga")];
    let into = |group, user| [("GroupName", group), ("UserName", user)];
    let inline = [("UserName", "nile"), ("GroupName", "rivers"), ("PolicyName", "p")];
    let no_login = "Login Profile for User nile cannot be found.";
    let (exists, missing) = ("EntityAlreadyExists", "NoSuchEntity");
    refused(
        &server,
        &[
            ("CreateUser", &[("UserName", "NILE")], exists, "User with name NILE already exists."),
            ("UpdateUser", &rename, exists, "User with name Volga already exists."),
            ("CreateGroup", &[("GroupName", "Rivers")], exists, "Group with name Rivers already exists."),
            ("AddUserToGroup", &into("lakes", "nile"), missing, "The group with name lakes cannot be found."),
            ("AddUserToGroup", &into("rivers", "como"), missing, "The user with name como cannot be found."),
            ("GetUserPolicy", &inline, missing, "The user policy with name p cannot be found."),
            ("DeleteGroupPolicy", &inline, missing, "The group policy with name p cannot be found."),
            ("GetLoginProfile", &[("UserName", "nile")], missing, no_login),
            ("DeleteLoginProfile", &[("UserName", "nile")], missing, no_login),
        ],
    );
}

#[test]
fn policies_that_are_none_or_cannot_be_attached_are_refused_in_words_of_aws() {
    let server = Server::start();
    one_of_each(&server);
    let (missing, foreign) =
        ("arn:aws:iam::aws:policy/NoSuchPolicy", "arn:aws:iam::999999999999:policy/theirs");
    let not_attachable = |arn| format!("Policy {arn} does not exist or is not attachable.");
    let on = |arn| {
        [("UserName", "nile"), ("GroupName", "rivers"), ("PolicyArn", arn), ("PermissionsBoundary", arn)]
    };
    let put = [("UserName", "nile"), ("PolicyName", "p"), ("PolicyDocument", "{")];
    let no_boundary = format!("Scope ARN: {missing} does not exist or is not attachable.");
    let not_attached = format!("Policy {POWER_USER} was not found.");
    let no_arn = "Invalid ARN:  Could not be parsed!";
    refused(
        &server,
        &[
            ("PutUserPolicy", &put, "MalformedPolicyDocument", "Syntax errors in policy."),
            ("AttachUserPolicy", &on("no-arn-but-long-enough"), "ValidationError", no_arn),
            ("AttachUserPolicy", &on(missing), "NoSuchEntity", &not_attachable(missing)),
            ("AttachGroupPolicy", &on(foreign), "NoSuchEntity", &not_attachable(foreign)),
            ("DetachUserPolicy", &on(POWER_USER), "NoSuchEntity", &not_attached),
            ("PutUserPermissionsBoundary", &on(missing), "NoSuchEntity", &no_boundary),
        ],
    );
}

#[test]
fn markers_of_other_lists_and_tags_that_are_the_same_but_for_case_are_refused() {
    let server = Server::start();
    one_of_each(&server);
    let tags = [
        ("UserName", "nile"),
        ("Tags.member.1.Key", "a"),
        ("Tags.member.1.Value", ""),
        ("Tags.member.2.Key", "A"),
        ("Tags.member.2.Value", ""),
    ];
    let duplicate = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
    refused(
        &server,
        &[
            ("ListUsers", &[("Marker", "elsewhere:1")], "ValidationError", "Invalid Marker."),
            ("TagUser", &tags, "InvalidInput", duplicate),
        ],
    );
}

#[test]
fn nobody_has_credentials_of_kinds_that_there_are_not() {
    let server = Server::start();
    one_of_each(&server);
    for operation in
        ["ListMFADevices", "ListSigningCertificates", "ListSSHPublicKeys", "ListServiceSpecificCredentials"]
    {
        let none = server.iam(operation, &[("UserName", "nile")]).output();
        assert_eq!(none["IsTruncated"], "false", "{operation}");
        server
            .iam(operation, &[("UserName", "como")])
            .refuses("NoSuchEntity", "The user with name como cannot be found.");
    }
    assert!(list(&server.iam("ListVirtualMFADevices", &[]).output()["VirtualMFADevices"]).is_empty());
}

#[test]
fn a_user_that_still_has_something_is_not_deleted() {
    let server = Server::start();
    let nile = server.create_user(server.root(), "nile");
    let _ = server.iam("CreateGroup", &[("GroupName", "rivers")]).output();
    let both = [("GroupName", "rivers"), ("UserName", "nile")];
    let attached = [("UserName", "nile"), ("PolicyArn", POWER_USER)];
    let inline = [("UserName", "nile"), ("PolicyName", "read"), ("PolicyDocument", READ_KEYS)];
    let _ = server.iam("AddUserToGroup", &both).output();
    let _ = server.iam("AttachUserPolicy", &attached).output();
    let _ = server.iam("PutUserPolicy", &inline).output();
    let key = [("UserName", "nile"), ("AccessKeyId", nile.caller.access_key_id.as_str())];
    let in_the_way: [(&str, &str, Parameters<'_>); 4] = [
        ("remove users from group", "RemoveUserFromGroup", &both),
        ("delete access keys", "DeleteAccessKey", &key),
        ("detach all policies", "DetachUserPolicy", &attached),
        ("delete policies", "DeleteUserPolicy", &inline[..2]),
    ];
    for (words, operation, parameters) in in_the_way {
        let message = format!("Cannot delete entity, must {words} first.");
        server.iam("DeleteUser", &[("UserName", "nile")]).refuses("DeleteConflict", &message);
        let _ = server.iam(operation, parameters).output();
    }
    let _ = server.iam("DeleteUser", &[("UserName", "nile")]).output();
}

#[test]
fn limits_of_policies_and_groups_are_those_of_aws() {
    let server = Server::start();
    let _ = server.iam("CreateUser", &[("UserName", "nile")]).output();
    let document = |padding: usize| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Sid":"{}","Effect":"Allow","Action":"kms:*","Resource":"*"}}}}"#,
            "a".repeat(padding)
        )
    };
    let empty = document(0).len();
    let put = |name: &str, document: &str| {
        server
            .iam("PutUserPolicy", &[("UserName", "nile"), ("PolicyName", name), ("PolicyDocument", document)])
    };
    let _ = put("one", &format!("{}{}", document(1000 - empty), " ".repeat(3000))).output();
    let _ = put("two", &document(1048 - empty)).output();
    put("two", &document(1049 - empty))
        .refuses("LimitExceeded", "Maximum policy size of 2048 bytes exceeded for user nile");
    for number in 0..10 {
        let group = format!("group-{number}");
        let _ = server.iam("CreateGroup", &[("GroupName", &group)]).output();
        let _ = server.iam("AddUserToGroup", &[("GroupName", &group), ("UserName", "nile")]).output();
        let policy = format!("policy-{number}");
        let made =
            server.iam("CreatePolicy", &[("PolicyName", &policy), ("PolicyDocument", READ_KEYS)]).output();
        let arn = made["Policy"]["Arn"].as_str().unwrap();
        let _ = server.iam("AttachUserPolicy", &[("UserName", "nile"), ("PolicyArn", arn)]).output();
        let _ = server.iam("AttachUserPolicy", &[("UserName", "nile"), ("PolicyArn", arn)]).output();
    }
    server
        .iam("AttachUserPolicy", &[("UserName", "nile"), ("PolicyArn", POWER_USER)])
        .refuses("LimitExceeded", "Cannot exceed quota for PoliciesPerUser: 10");
    let _ = server.iam("CreateGroup", &[("GroupName", "one-more")]).output();
    server
        .iam("AddUserToGroup", &[("GroupName", "one-more"), ("UserName", "nile")])
        .refuses("LimitExceeded", "Cannot exceed quota for GroupsPerUser: 10");
    let page = server.iam("ListAttachedUserPolicies", &[("UserName", "nile"), ("MaxItems", "4")]).output();
    let marker = page["Marker"].as_str().unwrap();
    let rest = server.iam("ListAttachedUserPolicies", &[("UserName", "nile"), ("Marker", marker)]).output();
    let names =
        [texts(&page["AttachedPolicies"], "PolicyName"), texts(&rest["AttachedPolicies"], "PolicyName")]
            .concat();
    assert_eq!(names, (0..10).map(|number| format!("policy-{number}")).collect::<Vec<_>>());
}

#[test]
fn whoever_may_only_hand_out_bounded_users_cannot_hand_out_more() {
    let server = Server::start();
    let account = server.account_id(server.root());
    let boundary = POWER_USER;
    let only_bounded = json!([
        {"Effect": "Allow", "Action": ["iam:CreateUser", "iam:AttachUserPolicy"], "Resource": "*",
         "Condition": {"StringEquals": {"iam:PermissionsBoundary": boundary}}},
        {"Effect": "Deny", "Action": "iam:AttachUserPolicy", "Resource": "*",
         "Condition": {"ArnEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/IAMFullAccess"}}},
        {"Effect": "Allow", "Action": "iam:TagUser", "Resource": format!("arn:aws:iam::{account}:user/bounded"),
         "Condition": {"StringEquals": {"aws:RequestTag/team": "delta"}}},
        {"Effect": "Allow", "Action": "iam:UntagUser", "Resource": "*",
         "Condition": {"StringEquals": {"aws:ResourceTag/team": "delta"}}}]);
    let clerk = server.create_user_with(server.root(), "clerk", &only_bounded).caller;
    let ask = |operation: &str, parameters: &[(&str, &str)]| {
        let answer = server.iam_as(&clerk, operation, parameters);
        if answer.status == 200 { "allowed".to_owned() } else { answer.error() }
    };
    assert_eq!(ask("CreateUser", &[("UserName", "free")]), "AccessDenied");
    assert_eq!(
        ask("CreateUser", &[("UserName", "x"), ("PermissionsBoundary", ADMINISTRATOR)]),
        "AccessDenied"
    );
    assert_eq!(ask("CreateUser", &[("UserName", "bounded"), ("PermissionsBoundary", boundary)]), "allowed");
    let attach = |user, arn| ask("AttachUserPolicy", &[("UserName", user), ("PolicyArn", arn)]);
    assert_eq!(attach("clerk", ADMINISTRATOR), "AccessDenied", "it is not bounded itself");
    assert_eq!(attach("bounded", ADMINISTRATOR), "allowed");
    assert_eq!(attach("bounded", "arn:aws:iam::aws:policy/IAMFullAccess"), "AccessDenied");
    let untag = [("UserName", "bounded"), ("TagKeys.member.1", "team")];
    assert_eq!(ask("UntagUser", &untag), "AccessDenied");
    let tag = |value| {
        ask(
            "TagUser",
            &[("UserName", "bounded"), ("Tags.member.1.Key", "team"), ("Tags.member.1.Value", value)],
        )
    };
    assert_eq!(tag("sigma"), "AccessDenied");
    assert_eq!(tag("delta"), "allowed");
    assert_eq!(ask("UntagUser", &untag), "allowed");
}

#[test]
fn a_list_of_users_has_pages_which_together_hold_each_of_that_path_once() {
    let server = Server::start();
    for (name, path) in [("a", "/x/"), ("B", "/x/"), ("c", "/y/"), ("d", "/x/y/"), ("e", "/"), ("f", "/x/")] {
        let _ = server.iam("CreateUser", &[("UserName", name), ("Path", path)]).output();
    }
    let (mut found, mut sizes, mut marker) = (Vec::new(), Vec::new(), None::<String>);
    loop {
        let mut parameters = vec![("PathPrefix", "/x"), ("MaxItems", "2")];
        parameters.extend(marker.as_deref().map(|marker| ("Marker", marker)));
        let page = server.iam("ListUsers", &parameters).output();
        let names = texts(&page["Users"], "UserName");
        sizes.push(names.len());
        found.extend(names.into_iter().map(str::to_owned));
        marker = page["Marker"].as_str().map(str::to_owned);
        assert_eq!(page["IsTruncated"], marker.is_some().to_string());
        if marker.is_none() {
            break;
        }
    }
    assert_eq!((found, sizes), (["a", "B", "d", "f"].map(str::to_owned).to_vec(), vec![2, 2]));
}

#[test]
fn an_account_has_at_most_300_groups() {
    let server = Server::start();
    std::thread::scope(|scope| {
        for some in 0..4 {
            let server = &server;
            scope.spawn(move || {
                for number in 0..75 {
                    let name = format!("group-{some}-{number}");
                    let _ = server.iam("CreateGroup", &[("GroupName", &name)]).output();
                }
            });
        }
    });
    server
        .iam("CreateGroup", &[("GroupName", "one-more")])
        .refuses("LimitExceeded", "Cannot exceed quota for GroupsPerAccount: 300");
    let _ = server.iam("DeleteGroup", &[("GroupName", "group-0-0")]).output();
    let _ = server.iam("CreateGroup", &[("GroupName", "one-more")]).output();
}

#[test]
fn a_key_policy_means_the_user_that_it_named_whatever_that_is_called_later() {
    let server = Server::start();
    let other = server.create_account();
    let describe = json!([{"Effect": "Allow", "Action": "kms:DescribeKey", "Resource": "*"}]);
    let nile = server.create_user_with(&other, "nile", &describe);
    let key = server.create_key();
    let owner = format!("arn:aws:iam::{}:root", server.account_id(server.root()));
    let policy = policy(&json!([
        {"Effect": "Allow", "Principal": {"AWS": owner}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "Principal": {"AWS": nile.arn}, "Action": "kms:DescribeKey", "Resource": "*"}]));
    let _ = server.call("PutKeyPolicy", &json!({"KeyId": key, "Policy": policy})).output();
    let describe_as = |caller: &Caller| server.call_as(caller, "DescribeKey", &json!({"KeyId": key})).status;
    assert_eq!(describe_as(&nile.caller), 200);
    let _ = server.iam_as(&other, "UpdateUser", &[("UserName", "nile"), ("NewUserName", "blue")]).output();
    assert_eq!(describe_as(&nile.caller), 200);
    let impostor = server.create_user_with(&other, "nile", &describe);
    assert_eq!((impostor.arn, describe_as(&impostor.caller)), (nile.arn, 400));
}

#[test]
fn users_made_at_the_same_time_are_made_once_each_and_a_third_access_key_never() {
    let server = Server::start();
    let root = server.root();
    let _ = server.iam("CreateUser", &[("UserName", "nile")]).output();
    let count = |operation: &'static str, name: &'static str| {
        std::thread::scope(|scope| {
            let ask = |_| scope.spawn(|| server.iam_as(root, operation, &[("UserName", name)]).status == 200);
            let asked: Vec<_> = (0..8).map(ask).collect();
            asked.into_iter().filter_map(|one| one.join().unwrap().then_some(())).count()
        })
    };
    assert_eq!(count("CreateUser", "volga"), 1);
    assert_eq!(count("CreateAccessKey", "nile"), 2);
}
