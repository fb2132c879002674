//! `ExplainAccess`: what somebody would be answered who asked for something, why, and who else might do it.
//!
//! The decision is the one that a call would get: the same code, on the same records. Of two accounts only the caller's own side is
//! looked at and shown.

use super::action::spelt;
use super::asked::{Asked, Names, invalid};
use super::others::{Other, others};
use super::who::Who;
use crate::iam::check_values;
use crate::kms::{record_context, record_text};
use crate::operation::{Failure, NamedKey, On, Operation, Outcome, Permission, Subject};
use crate::pipeline::{Abroad, Authorized, Scene, Supposition};
use access::{ConditionKey, Decision, Explanation, PolicyType, PrincipalKind};
use audit::json::{Json, Object, object};
use keys::{KeyState, KeyStates, Moment};
use wire::Fault;
use wire::arn::KeyArn;
use wire::member::iam::{ActionName, Arn, ContextEntries, ContextEntry, ContextKeyValue};
use wire::member::{CiphertextBlob, EncryptionContext, KeyIdText, PrincipalText};

/// The operation.
#[derive(Debug)]
pub struct ExplainAccess;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional principal: PrincipalText = "Principal",
        required action: ActionName = "Action",
        optional key_id: KeyIdText = "KeyId",
        optional ciphertext: CiphertextBlob = "CiphertextBlob",
        optional resource: Arn = "ResourceArn",
        optional encryption_context: EncryptionContext = "EncryptionContext",
        optional context_entries: ContextEntries = "ContextEntries",
        optional time: ContextKeyValue = "Time",
        optional include_others: bool = "IncludeOthers",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required decision: &'static str = "Decision",
        optional message: String = "Message",
        optional if_other_account_allows: bool = "IfOtherAccountAllows",
        optional key_arn: KeyArn = "KeyArn",
        optional key_state: KeyState = "KeyState",
        required explanation: Explanation = "Explanation",
        optional others: Vec<Other> = "Others",
        optional truncated: bool = "Truncated",
    }
}

/// Who is supposed to ask, and for what.
#[derive(Debug)]
pub struct Supposed {
    who: Who,
    asked: Asked,
}

impl Subject for Supposed {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::empty()
    }

    fn keys(&self) -> impl Iterator<Item = &NamedKey> {
        self.asked.key().into_iter()
    }
}

impl Operation for ExplainAccess {
    const NAME: &'static str = "ExplainAccess";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Supposed;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record_text(record, "principal", input.principal.as_ref().map(PrincipalText::as_str));
        record.string("action", input.action.as_str());
        record_text(record, "keyId", input.key_id.as_ref().map(KeyIdText::as_str));
        record_text(record, "resourceArn", input.resource.as_ref().map(Arn::as_str));
        record_context(record, "encryptionContext", input.encryption_context.as_ref());
        record_text(record, "time", input.time.as_ref().map(ContextKeyValue::as_str));
        if let Some(include_others) = input.include_others {
            record.boolean("includeOthers", include_others);
        }
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        input.names().check(&spelt(input.action.as_str())?)?;
        check_values(input.context_entries.as_ref()).map_err(invalid)?;
        input.supposition().map(|_| ())
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Supposed, Failure> {
        // Who and what is there is told to nobody who may not ask, so that this comes before anything is looked up.
        scene.weigh(&PERMISSION).await?;
        let action = spelt(input.action.as_str())?;
        let asked = input.names().find(&action, scene).await?;
        let who = Who::find(input.principal.as_ref(), scene).await?;
        if who.is_foreign && !matches!(asked, Asked::Key(_) | Asked::Role(_)) {
            let message = format!(
                "{} is of another account, and this is no key or role of yours.",
                who.identity.principal
            );
            return Err(invalid(message).into());
        }
        let is_root = *who.identity.principal.kind() == PrincipalKind::Root;
        if is_root && matches!(asked, Asked::Role(_) | Asked::ForeignRole { .. }) {
            return Err(invalid("Roles may not be assumed by root accounts.".into()).into());
        }
        Ok(Supposed { who, asked })
    }

    fn permissions<'a>(_: &Input, _: &'a Supposed) -> Vec<Permission<'a>> {
        vec![PERMISSION]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Supposed>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let (action, supposition) = (spelt(input.action.as_str())?, input.supposition()?);
        let explanation = subject.explain(&action, scene, &supposition).await?;
        let others = match (subject.asked.key(), input.include_others) {
            (Some(key), Some(true)) => Some(others(&action, key, scene, &supposition).await?),
            _ => None,
        };
        let (others, truncated) = others.unzip();
        let is_half = explanation.allowed && (subject.who.is_foreign || subject.asked.on().is_none());
        let answer = Answer {
            decision: decision(&explanation),
            message: message(&explanation),
            if_other_account_allows: is_half.then_some(true),
            key_arn: subject.asked.key_arn(),
            key_state: subject.asked.key().map(|named| named.state(scene.now)),
            explanation,
            others,
            truncated,
        };
        let elements = elements(&answer);
        Ok(Outcome::of(answer).with_elements(elements))
    }
}

impl Supposed {
    async fn explain(
        &self,
        action: &str,
        scene: &Scene<'_>,
        supposition: &Supposition,
    ) -> Result<Explanation, Failure> {
        let identity = &self.who.identity;
        let abroad = match (&self.asked, self.asked.on()) {
            (_, Some(on)) => {
                let mut explanation = scene.suppose(identity, action, on, supposition).await?;
                if self.who.is_foreign {
                    explanation.policies.retain(|policy| policy.policy_type == PolicyType::ResourceBased);
                }
                return Ok(explanation);
            }
            (Asked::ForeignKey(arn), None) => Abroad::Key(arn),
            (Asked::ForeignRole { arn, account }, None) => Abroad::Role { arn, account: *account },
            _ => return Ok(Explanation::invisible(&identity.principal, action)),
        };
        scene.suppose_abroad(identity, action, abroad, supposition).await
    }
}

//= iam:SimulatePrincipalPolicy EvalDecision
fn decision(explanation: &Explanation) -> &'static str {
    match (explanation.allowed, explanation.explicit_deny) {
        (true, _) => "allowed",
        (false, true) => "explicitDeny",
        (false, false) => "implicitDeny",
    }
}

/// What the caller of such a request would be told.
fn message(explanation: &Explanation) -> Option<String> {
    match explanation.decision() {
        Decision::Allowed => None,
        Decision::Denied(denial) => Some(denial.to_string()),
    }
}

fn elements(answer: &Answer) -> Json {
    object(|elements| elements.string("decision", answer.decision))
}

impl Input {
    const fn names(&self) -> Names<'_> {
        Names {
            key_id: self.key_id.as_ref(),
            ciphertext: self.ciphertext.as_ref(),
            resource: self.resource.as_ref(),
        }
    }

    fn supposition(&self) -> Result<Supposition, Fault> {
        let entries = self.context_entries.iter().flat_map(|entries| &entries.0);
        let given = entries.filter_map(|entry| given(entry).transpose()).collect::<Result<_, Fault>>()?;
        let encryption_context = self.encryption_context.clone().unwrap_or_default().0;
        let supposition = Supposition { encryption_context, given, time: self.time()? };
        if bytes(&supposition) > MOST_BYTES {
            return Err(invalid(format!(
                "What is supposed of the request has more than {MOST_BYTES} bytes."
            )));
        }
        Ok(supposition)
    }

    fn time(&self) -> Result<Option<Moment>, Fault> {
        let Some(text) = self.time.as_ref().map(ContextKeyValue::as_str) else { return Ok(None) };
        let time = text.parse::<jiff::Timestamp>();
        let time =
            time.map_err(|_| invalid(format!("Time is not of the form 2026-01-31T12:00:00Z: {text}")))?;
        Ok(Some(Moment::from_millis(time.as_millisecond())))
    }
}

/// How much statements may have to look through.
fn bytes(supposition: &Supposition) -> usize {
    let pairs = supposition.encryption_context.iter().flat_map(|(key, value)| [key.len(), value.len()]);
    let given = supposition.given.iter().flat_map(|(name, values)| {
        std::iter::once(name.len()).chain(values.iter().map(|value| value.len().saturating_add(1)))
    });
    pairs.chain(given).fold(0, usize::saturating_add)
}

/// A condition key in lower case and its values. Of our own prefixes only keys that there are.
fn given(entry: &ContextEntry) -> Result<Option<(String, Vec<String>)>, Fault> {
    let Some(name) = entry.name.as_ref().map(|name| name.as_str()) else { return Ok(None) };
    let is_ours = name
        .split_once(':')
        .is_none_or(|(prefix, _)| PREFIXES.iter().any(|ours| prefix.eq_ignore_ascii_case(ours)));
    if is_ours && ConditionKey::named(name).is_none() {
        return Err(invalid(format!("{name} is no condition key.")));
    }
    let values = entry.values.iter().flat_map(|values| &values.0).map(|value| value.as_str().to_owned());
    Ok(Some((name.to_ascii_lowercase(), values.collect())))
}

const PERMISSION: Permission<'static> = Permission { action: "cardea:ExplainAccess", on: On::Account };

/// An encryption context and as much again: everybody who is asked about may have policies that look at all of it.
const MOST_BYTES: usize = 16_384;

/// Condition keys of other prefixes are claims of identity providers.
const PREFIXES: [&str; 4] = ["aws", "iam", "kms", "sts"];
