//! `ExplainAccess`: what somebody would be answered who asked for something, why, and who else might do it.
//!
//! The decision is the one that a call would get: the same code, on the same records. It shows no more of another account
//! than that account's refusal of a call would.

use super::others::{Other, others};
use crate::identity::Identity;
use crate::kms::record_text;
use crate::operation::{Failure, NamedKey, On, Operation, Outcome, Permission, Subject};
use crate::pipeline::{Authorized, Naming, Scene, Supposition, no_such_key};
use access::{Decision, Explanation};
use audit::json::{Json, Object, object};
use keys::{KeyState, KeyStates, Moment};
use module_api::blob::Header;
use wire::arn::KeyArn;
use wire::member::iam::{ActionName, ContextEntries, ContextKeyValue};
use wire::member::{CiphertextBlob, EncryptionContext, KeyIdText, PrincipalText};
use wire::{Fault, FaultKind};

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
        optional key_arn: KeyArn = "KeyArn",
        optional key_state: KeyState = "KeyState",
        required explanation: Explanation = "Explanation",
        optional others: Vec<Other> = "Others",
        optional truncated: bool = "Truncated",
    }
}

/// Who is supposed to ask, and for which key, if for one.
#[derive(Debug)]
pub struct Supposed {
    identity: Identity,
    key: Option<Asked>,
}

/// The key that is asked for.
#[derive(Debug)]
struct Asked {
    arn: KeyArn,
    /// None if it is not there, or is another account's.
    own: Option<NamedKey>,
}

impl Subject for Supposed {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::empty()
    }

    fn keys(&self) -> impl Iterator<Item = &NamedKey> {
        self.key.iter().filter_map(|asked| asked.own.as_ref())
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
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        if input.key_id.is_some() && input.ciphertext.is_some() {
            return Err(invalid("KeyId and CiphertextBlob both name a key: give one of them."));
        }
        input.time().map(|_| ())
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Supposed, Failure> {
        let key = match input.located(scene).await? {
            Some(arn) => {
                let own = scene.own_key(&arn).await?;
                if own.is_none() && arn.account == scene.world().account {
                    return Err(no_such_key(&arn).into());
                }
                Some(Asked { arn, own })
            }
            None => None,
        };
        Ok(Supposed { identity: input.identity(scene).await?, key })
    }

    fn permissions<'a>(_: &Input, _: &'a Supposed) -> Vec<Permission<'a>> {
        vec![Permission { action: "cardea:ExplainAccess", on: On::Account }]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Supposed>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let supposition = input.supposition()?;
        let explanation = explain(input.action.as_str(), subject, scene, &supposition).await?;
        let own = subject.key.as_ref().and_then(|asked| asked.own.as_ref());
        let others = match (own, input.include_others) {
            (Some(key), Some(true)) => Some(others(input.action.as_str(), key, scene, &supposition).await?),
            _ => None,
        };
        let (others, truncated) = others.unzip();
        let answer = Answer {
            decision: decision(&explanation),
            message: message(&explanation),
            key_arn: subject.key.as_ref().map(|asked| asked.arn.clone()),
            key_state: own.map(|named| named.key.state()),
            explanation,
            others,
            truncated,
        };
        let elements = elements(&answer);
        Ok(Outcome::of(answer).with_elements(elements))
    }
}

async fn explain(
    action: &str,
    subject: &Supposed,
    scene: &Scene<'_>,
    supposition: &Supposition,
) -> Result<Explanation, Failure> {
    let principal = &subject.identity.principal;
    let on = match &subject.key {
        None => On::Account,
        Some(Asked { own: Some(named), .. }) => On::Key(named),
        Some(Asked { own: None, .. }) => return Ok(Explanation::invisible(principal, action)),
    };
    scene.suppose(&subject.identity, action, on, supposition).await
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
    /// Where the key is that the request names, by itself or with a ciphertext.
    async fn located(&self, scene: &Scene<'_>) -> Result<Option<KeyArn>, Failure> {
        if let Some(key_id) = &self.key_id {
            return Ok(Some(scene.locate(key_id, Naming::Any).await?.arn));
        }
        let Some(blob) = &self.ciphertext else { return Ok(None) };
        let header = Header::parse(blob.as_bytes()).map_err(|_| Fault::bare(FaultKind::InvalidCiphertext))?;
        Ok(Some(KeyArn { account: header.account, ..scene.own_key_arn(header.key_id) }))
    }

    /// Whoever is supposed to ask: the caller itself if nobody is named. It has to be of the caller's account, whose policies
    /// the caller may be shown.
    async fn identity(&self, scene: &Scene<'_>) -> Result<Identity, Failure> {
        let Some(text) = &self.principal else { return Ok(scene.caller.identity.clone()) };
        let named = scene.directory().named(text.as_str()).await?;
        let account = scene.caller.identity.principal.account();
        let own = named.filter(|identity| identity.principal.account() == account);
        let message = || format!("{} is no user, role or role session of this account.", text.as_str());
        Ok(own.ok_or_else(|| Fault::new(FaultKind::Validation, message()))?)
    }

    fn supposition(&self) -> Result<Supposition, Fault> {
        let given = self.context_entries.iter().flat_map(|entries| &entries.0).filter_map(|entry| {
            let values = entry.values.iter().flat_map(|values| &values.0);
            let values = values.map(|value| value.as_str().to_owned()).collect();
            Some((entry.name.as_ref()?.as_str().to_ascii_lowercase(), values))
        });
        let encryption_context = self.encryption_context.clone().unwrap_or_default().0;
        Ok(Supposition { encryption_context, given: given.collect(), time: self.time()? })
    }

    fn time(&self) -> Result<Option<Moment>, Fault> {
        let Some(text) = &self.time else { return Ok(None) };
        let time: Result<jiff::Timestamp, _> = text.as_str().parse();
        let time = time.map_err(|_| invalid("Time is not of the form 2026-01-31T12:00:00Z."))?;
        Ok(Some(Moment::from_millis(time.as_millisecond())))
    }
}

fn invalid(message: &'static str) -> Fault {
    Fault::new(FaultKind::Validation, message)
}
