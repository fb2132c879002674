//! Every limit of every member of every operation, one below, at it and one above, and every member with every wrong type.
//! Nothing here names a member: all of it follows from the shapes in the registry.

use crate::account::Account;
use crate::custom_key_stores::new_store;
use crate::requests::minimal;
use blackbox::{Answer, Server, base64};
use operations::OPERATIONS;
use serde_json::{Value, json};
use wire::{MemberShape, Shape};

#[test]
fn every_limit_of_every_member_holds_to_the_letter() {
    let server = Server::start();
    let mut tried = 0;
    for entry in OPERATIONS {
        let account = Account::root_for(&server, entry.name);
        let base = minimal(entry.name, &account);
        for case in cases_of((entry.input)(), &Place::root()) {
            let input = case.place.put(&base, case.value.clone());
            let answer = server.call_as(&harmless(&account, entry), entry.name, &input);
            let what = format!("{} {} {:.60}", entry.name, case.place.path, case.value.to_string());
            judge(&answer, &case, &what, entry.name);
            tried += 1;
        }
    }
    assert!(tried > 300, "only {tried} cases follow from the registry");
}

#[test]
fn every_required_member_must_be_there_and_null_is_absence() {
    let server = Server::start();
    for entry in OPERATIONS {
        let account = Account::root_for(&server, entry.name);
        let base = minimal(entry.name, &account);
        for member in (entry.input)().iter().filter(|member| member.required) {
            let expected = violation(&format!(
                "Value null at '{}' failed to satisfy constraint: Member must not be null",
                lower_first(member.name)
            ));
            let mut absent = base.clone();
            let _ = absent.as_object_mut().unwrap().remove(member.name);
            account.call(entry.name, &absent).refuses("ValidationException", &expected);
            let mut null = base.clone();
            null[member.name] = Value::Null;
            account.call(entry.name, &null).refuses("ValidationException", &expected);
        }
    }
}

#[test]
fn every_optional_member_may_be_null() {
    let server = Server::start();
    for entry in OPERATIONS {
        let account = Account::new_for(&server, entry.name);
        account.enter(&account.key, crate::requests::state_for(entry.name));
        let mut input = minimal(entry.name, &account);
        for member in (entry.input)().iter().filter(|member| !member.required) {
            if input.get(member.name).is_none() {
                input[member.name] = Value::Null;
            }
        }
        let answer = account.call(entry.name, &input);
        assert_eq!(answer.status, 200, "{} {input}: {}", entry.name, answer.text());
    }
}

#[test]
fn every_member_of_a_wrong_type_is_a_serialization_exception() {
    let server = Server::start();
    for entry in OPERATIONS {
        let account = Account::root_for(&server, entry.name);
        let base = minimal(entry.name, &account);
        for member in (entry.input)() {
            for value in wrong_types(&member.shape) {
                let mut input = base.clone();
                input[member.name] = value.clone();
                let answer = account.call(entry.name, &input);
                let (error, message) = answer.fault();
                let what = format!("{} {} {value}", entry.name, member.name);
                assert_eq!((answer.status, error.as_str()), (400, "SerializationException"), "{what}");
                assert!(
                    message.is_some_and(|message| !message.is_empty()),
                    "{what} is refused without a word"
                );
                assert!(answer.text().contains(r#""Message":"#), "{what}: {}", answer.text());
            }
        }
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let server = Server::start();
    let answer = server.call("CreateAlias", &json!({"AliasName": "a!"}));
    answer.refuses(
        "ValidationException",
        "2 validation errors detected: Value 'a!' at 'aliasName' failed to satisfy constraint: Member must satisfy regular \
         expression pattern: ^[a-zA-Z0-9:/_-]+$; Value null at 'targetKeyId' failed to satisfy constraint: Member must not \
         be null",
    );
}

/// One value in one place, and what is to come of it.
struct Case {
    place: Place,
    value: Value,
    /// The words of the constraint that it breaks; `None` if it is just within all.
    broken: Option<Broken>,
}

/// The words of a broken constraint, and the value as the message shows it.
struct Broken {
    constraint: String,
    shown: Shown,
}

enum Shown {
    As(String),
    NotAtAll,
    Null,
}

/// Where in a request a value stands.
#[derive(Clone)]
struct Place {
    /// Names of members and the index of elements.
    steps: Vec<Step>,
    /// As AWS spells it.
    path: String,
}

#[derive(Clone)]
enum Step {
    Member(&'static str),
    First,
}

impl Place {
    fn root() -> Self {
        Self { steps: Vec::new(), path: String::new() }
    }

    fn member(&self, name: &'static str) -> Self {
        let mut steps = self.steps.clone();
        steps.push(Step::Member(name));
        let dot = if self.path.is_empty() { "" } else { "." };
        Self { steps, path: format!("{}{dot}{}", self.path, lower_first(name)) }
    }

    fn first(&self) -> Self {
        let mut steps = self.steps.clone();
        steps.push(Step::First);
        Self { steps, path: format!("{}.1.member", self.path) }
    }

    /// A value that is just within all limits.
    fn good(&self, value: Value) -> Case {
        Case { place: self.clone(), value, broken: None }
    }

    /// A value that breaks a limit.
    fn bad(&self, value: Value, constraint: String, shown: Shown) -> Case {
        Case { place: self.clone(), value, broken: Some(Broken { constraint, shown }) }
    }

    /// A text that breaks a limit.
    fn bad_text(&self, text: &str, constraint: String) -> Case {
        let shown = if self.is_secret() { Shown::NotAtAll } else { Shown::As(text.to_owned()) };
        self.bad(json!(text), constraint, shown)
    }

    /// Whether a value there is not repeated to the caller.
    fn is_secret(&self) -> bool {
        self.path.starts_with("grantToken")
            || self.path.starts_with("xksProxyAuthenticationCredential.")
            || self.path == "keyStorePassword"
    }

    /// The request with the value there. A structure around it keeps the members that it had.
    fn put(&self, base: &Value, value: Value) -> Value {
        let mut request = base.clone();
        let mut at = &mut request;
        for step in &self.steps {
            at = match step {
                Step::Member(name) => {
                    if !at.is_object() {
                        *at = beside(name);
                    }
                    &mut at[*name]
                }
                Step::First => {
                    if !at.is_array() {
                        *at = json!([{"TagKey": "river", "TagValue": "nile"}]);
                    }
                    &mut at[0]
                }
            };
        }
        *at = value;
        request
    }
}

/// What a structure must have beside a member of that name.
fn beside(name: &str) -> Value {
    match name {
        "AccessKeyId" | "RawSecretAccessKey" => new_store()["XksProxyAuthenticationCredential"].clone(),
        _ => json!({}),
    }
}

fn cases_of(members: &'static [MemberShape], place: &Place) -> Vec<Case> {
    members.iter().flat_map(|member| cases(&member.shape, &place.member(member.name))).collect()
}

fn cases(shape: &'static Shape, place: &Place) -> Vec<Case> {
    match shape {
        Shape::Blob { min, max } => blob_cases(*min, *max, place),
        Shape::Boolean => [true, false].map(|value| place.good(json!(value))).into(),
        Shape::Enumeration(names) => enumeration_cases(names, place),
        Shape::Integer { min, max } => integer_cases(*min, *max, place),
        Shape::List { min, max, of } => list_cases(*min, *max, of, place),
        Shape::Map => [json!({}), json!({"a": ""}), json!({"": "b"})].map(|value| place.good(value)).into(),
        Shape::Structure(members) => cases_of(members, place),
        Shape::Text { min, max, pattern } => text_cases(*min, *max, *pattern, place),
        Shape::Timestamp => [json!(0), json!(-1), json!(1.5)].map(|value| place.good(value)).into(),
    }
}

fn text_cases(min: usize, max: usize, pattern: Option<&str>, place: &Place) -> Vec<Case> {
    let fill = |length| fill(pattern, length);
    let shortest = min.max(beginning(pattern).len() + usize::from(pattern.is_some()));
    let mut all = vec![place.good(json!(fill(shortest))), place.good(json!(fill(max)))];
    all.push(place.bad_text(&fill(max + 1), at_most(max)));
    all.extend(min.checked_sub(1).map(|less| place.bad_text(&fill(less), at_least(min))));
    match pattern {
        Some(pattern) => {
            let constraint = format!("Member must satisfy regular expression pattern: {pattern}");
            all.extend(misfits(pattern).iter().map(|text| place.bad_text(text, constraint.clone())));
        }
        // Limits count characters, not bytes.
        None => {
            all.push(place.good(json!("\u{fc}".repeat(max))));
            all.push(place.bad_text(&"\u{fc}".repeat(max + 1), at_most(max)));
        }
    }
    all
}

fn blob_cases(min: usize, max: usize, place: &Place) -> Vec<Case> {
    let of = |length: usize| json!(base64(&vec![7; length]));
    vec![
        place.good(of(min)),
        place.good(of(max)),
        place.bad(of(max + 1), at_most(max), Shown::NotAtAll),
        place.bad(of(min - 1), at_least(min), Shown::NotAtAll),
    ]
}

fn integer_cases(min: i64, max: i64, place: &Place) -> Vec<Case> {
    let low = |number: i64| (number, format!("Member must have value greater than or equal to {min}"));
    let high = |number: i64| (number, format!("Member must have value less than or equal to {max}"));
    let bad = [low(min - 1), low(-1), low(i64::from(i32::MIN)), high(max + 1), high(i64::from(i32::MAX))];
    let bad =
        bad.map(|(number, constraint)| place.bad(json!(number), constraint, Shown::As(number.to_string())));
    [place.good(json!(min)), place.good(json!(max))].into_iter().chain(bad).collect()
}

fn enumeration_cases(names: &[&str], place: &Place) -> Vec<Case> {
    let constraint = format!("Member must satisfy enum value set: [{}]", names.join(", "));
    let wrong = ["ROT13".to_owned(), String::new(), names[0].to_lowercase(), format!("{} ", names[0])];
    let bad = wrong.iter().map(|text| place.bad_text(text, constraint.clone()));
    names.iter().map(|name| place.good(json!(name))).chain(bad).collect()
}

fn list_cases(min: usize, max: Option<usize>, of: &'static Shape, place: &Place) -> Vec<Case> {
    let Shape::Structure(members) = of else { return scalar_list_cases(min, max, of, place) };
    let required = members.iter().filter(|member| member.required);
    let missing = required.map(|member| {
        place.first().member(member.name).bad(Value::Null, "Member must not be null".to_owned(), Shown::Null)
    });
    cases_of(members, &place.first()).into_iter().chain(missing).chain([place.good(json!([]))]).collect()
}

/// A broken element is shown with its whole list, and all the limits of an element with it. Grant tokens are not shown.
fn scalar_list_cases(min: usize, max: Option<usize>, of: &'static Shape, place: &Place) -> Vec<Case> {
    let (short, constraints) = match of {
        Shape::Text { min, max, .. } => ("a", vec![at_most(*max), at_least(*min)]),
        Shape::Enumeration(names) => {
            (names[0], vec![format!("Member must satisfy enum value set: [{}]", names.join(", "))])
        }
        other => panic!("no rule for lists of {other:?}"),
    };
    let many = |count: usize| Value::Array(vec![json!(short); count]);
    let bad = |value: Value, constraint: String| {
        let elements: Vec<_> = value.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
        let shown = format!("[{}]", elements.join(", "));
        place.bad(value, constraint, if place.is_secret() { Shown::NotAtAll } else { Shown::As(shown) })
    };
    let mut all = vec![place.good(many(min))];
    all.extend(max.map(|max| place.good(many(max))));
    all.extend(max.map(|max| bad(many(max + 1), at_most(max))));
    all.extend(min.checked_sub(1).map(|less| bad(many(less), at_least(min))));
    let constraint = format!("Member must satisfy constraint: [{}]", constraints.join(", "));
    all.extend(cases(of, place).into_iter().map(|element| match element.broken {
        Some(_) => bad(json!([element.value]), constraint.clone()),
        None => place.good(json!([element.value])),
    }));
    all
}

fn judge(answer: &Answer, case: &Case, what: &str, operation: &str) {
    let detected = answer.text().contains("validation error");
    match &case.broken {
        Some(Broken { constraint, shown }) => {
            let value = match shown {
                Shown::Null => "Value null".to_owned(),
                Shown::As(text) => format!("Value '{text}'"),
                Shown::NotAtAll => "Value".to_owned(),
            };
            let message =
                format!("{value} at '{}' failed to satisfy constraint: {constraint}", case.place.path);
            let (error, found) = answer.fault();
            let found = found.unwrap_or_default();
            assert_eq!((answer.status, error.as_str()), (400, "ValidationException"), "{what}: {found:.200}");
            assert!(
                found == violation(&message) || is_two_at_once(&found, &message),
                "{what}:\n{found:.400}\n{message:.400}"
            );
        }
        None if is_narrower_in_the_service(operation, case) => {
            assert_eq!(answer.error(), "ValidationException", "{what}")
        }
        None => {
            assert!(!detected, "{what} is within the limits: {:.300}", answer.text());
            assert!(!answer.text().contains("SerializationException"), "{what}: {:.300}", answer.text());
            assert!(answer.status < 500, "{what}: {:.300}", answer.text());
        }
    }
}

/// A text that is too short may break the least length and, where its pattern asks for more characters, the pattern too.
fn is_two_at_once(found: &str, message: &str) -> bool {
    let (value, _) = message.split_once(" failed to satisfy").unwrap();
    found.starts_with("2 validation errors detected: ")
        && found.contains(message)
        && found.matches(value).count() == 2
        && found.contains("Member must satisfy regular expression pattern: ")
}

/// Where the service asks for less than the model allows.
fn is_narrower_in_the_service(operation: &str, case: &Case) -> bool {
    // Of a recipient the service wants both members, and a document that can be believed.
    if case.place.path.starts_with("recipient.") {
        return true;
    }
    operation == "ScheduleKeyDeletion"
        && case.place.path == "pendingWindowInDays"
        && case.value.as_i64().is_some_and(|days| !(7..=30).contains(&days))
}

/// A value just within the limits may be acted on: on keys of an account where that does no harm.
fn harmless(account: &Account<'_>, entry: &operations::Entry) -> blackbox::Caller {
    match entry.read_only {
        true => account.caller.clone(),
        // In another region none of the account's keys is to be found, so that nothing comes of it.
        false => account.caller.in_region("us-west-1"),
    }
}

fn fill(pattern: Option<&str>, length: usize) -> String {
    let more = match pattern {
        Some(URI_PATH) if length > URI_PATH_END.len() + 1 => {
            return format!("/{}{URI_PATH_END}", "a".repeat(length - URI_PATH_END.len() - 1));
        }
        Some(REGION | URI_PATH | "[0-9]{12}") => '1',
        Some("^[A-Z2-7]+$") => 'A',
        _ => 'a',
    };
    beginning(pattern).chars().chain(std::iter::repeat(more)).take(length).collect()
}

/// What a text begins with that matches, if letters alone do not.
fn beginning(pattern: Option<&str>) -> &'static str {
    match pattern {
        Some(r"[\u0009\u000A\u000D\u0020-\u00FF]+") => "{",
        Some(REGION) => "a-b-",
        Some(SERVICE_PRINCIPAL) => "a.b.",
        Some("cluster-[2-7a-zA-Z]{11,16}") => "cluster-",
        Some("^https://[a-zA-Z0-9.-]+$") => "https://",
        Some(URI_PATH) => "/kms/xks/v",
        Some(VPC_ENDPOINT_SERVICE) => "com.amazonaws.vpce.a-b-1.vpce-svc-",
        Some(SOURCE_ARN) => "arn:aws:s3::111122223333:",
        _ => "",
    }
}

/// Texts of good length that do not match.
fn misfits(pattern: &str) -> Vec<String> {
    match pattern {
        "^[a-zA-Z0-9:/_-]+$" => {
            ["alias/a b", "alias/a!", "alias/\u{fc}", "alias/a\n", "\u{212a}"].map(str::to_owned).to_vec()
        }
        r"[\u0020-\u00FF]*" => ["a\u{100}", "a\tb", "\n", "\u{1f}"].map(str::to_owned).to_vec(),
        r"[\w]+" => ["de-fault", "default ", "d\u{e9}faut", "*"].map(str::to_owned).to_vec(),
        r"[\u0009\u000A\u000D\u0020-\u00FF]+" => {
            ["{}\u{100}", "{\u{0}}", "{}\u{b}", "\u{20ac}"].map(str::to_owned).to_vec()
        }
        r"^[\w+=,.@:/-]+$" => ["a b", "a*", "a\n", "\u{fc}"].map(str::to_owned).to_vec(),
        REGION => {
            ["eu-central", "eu-1", "EU-central-1", "a-b-c-d-1", "eu-central-1 "].map(str::to_owned).to_vec()
        }
        SERVICE_PRINCIPAL => {
            ["s3", "s3.amazonaws", "s3..com", "s3.amazonaws.com_"].map(str::to_owned).to_vec()
        }
        SOURCE_ARN => {
            ["arn:aws:s3:::a-bucket-of-no-account", "arn:aws:s3::111122223333:", "urn:aws:s3::111122223333:a"]
                .map(str::to_owned)
                .to_vec()
        }
        "[0-9]{12}" => ["11112222333a", "１１１１２２２２３３３３"].map(str::to_owned).to_vec(),
        "cluster-[2-7a-zA-Z]{11,16}" => {
            ["cluster-1aaaaaaaaaa", "cluster-aaaaa_aaaaa", "Cluster-aaaaaaaaaaa"].map(str::to_owned).to_vec()
        }
        "^https://[a-zA-Z0-9.-]+$" => {
            ["http://a.example", "https://a.example:443", "https://a.example/", "https://10.0.0.1:9443"]
                .map(str::to_owned)
                .to_vec()
        }
        URI_PATH => {
            ["/kms/xks/v1/", "/kms/xks/v123", "kms/xks/v1", "/a.b/kms/xks/v1"].map(str::to_owned).to_vec()
        }
        VPC_ENDPOINT_SERVICE => [
            "com.amazonaws.vpce.a-b-1.vpce-svc-A",
            "org.amazonaws.vpce.a-b-1.vpce-svc-a",
            "com.amazonaws.vpce.b-1.vpce-svc-a",
        ]
        .map(str::to_owned)
        .to_vec(),
        "^[A-Z2-7]+$" => ["a".repeat(20), "1".repeat(20), "A".repeat(19) + "-"].to_vec(),
        r"^[a-zA-Z0-9\/+=]+$" => ["-".repeat(43), format!("{} ", "a".repeat(43))].to_vec(),
        "^[a-zA-Z0-9-_.]+$" => ["a b", "a/b", "a\n"].map(str::to_owned).to_vec(),
        r"^[a-zA-Z0-9:/_\s.-]+$" => ["", "a*", "a\u{a0}", "\u{fc}"].map(str::to_owned).to_vec(),
        "^[a-f0-9]+$" => ["A".repeat(64), "g".repeat(64), format!("{} ", "a".repeat(63))].to_vec(),
        other => panic!("nothing is known not to match {other}: add it here"),
    }
}

fn wrong_types(shape: &Shape) -> Vec<Value> {
    let all = [json!("a text"), json!(7), json!(7.5), json!(true), json!([]), json!({})];
    let is_right = |value: &Value| match shape {
        Shape::Text { .. } | Shape::Enumeration(_) => value.is_string(),
        // A text that is no base64 is as wrong as a number.
        Shape::Blob { .. } => false,
        Shape::Integer { .. } => value.is_i64(),
        Shape::Boolean => value.is_boolean(),
        Shape::Timestamp => value.is_number(),
        Shape::List { .. } => value.is_array(),
        Shape::Map | Shape::Structure(_) => value.is_object(),
    };
    all.into_iter().filter(|value| !is_right(value)).collect()
}

fn at_most(length: usize) -> String {
    format!("Member must have length less than or equal to {length}")
}

fn at_least(length: usize) -> String {
    format!("Member must have length greater than or equal to {length}")
}

fn violation(what: &str) -> String {
    format!("1 validation error detected: {what}")
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

const REGION: &str = r"^([a-z]+-){2,3}\d+$";
const URI_PATH: &str = r"^(/[a-zA-Z0-9\/_-]+/kms/xks/v\d{1,2})$|^(/kms/xks/v\d{1,2})$";
const URI_PATH_END: &str = "/kms/xks/v1";
const VPC_ENDPOINT_SERVICE: &str = r"^(com|eu)\.amazonaws\.vpce\.([a-z]+-){2,3}\d+\.vpce-svc-[0-9a-z]+$";
const SERVICE_PRINCIPAL: &str = r"^([A-Za-z0-9\-]+)\.([A-Za-z0-9\-]+)(\.[A-Za-z0-9\-]+)+$";
const SOURCE_ARN: &str = "^arn:aws[a-z0-9-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]{12}:.+$";
