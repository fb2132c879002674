//! `CreatePolicy`: makes a managed policy of the account.

use super::{PolicyElement, checked, element, record_policy};
use crate::Fact;
use crate::iam::entity::{Entity, Sought};
use crate::iam::{record, tags};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::{ManagedPolicy, PolicyVersion};
use keys::KeyStates;
use wire::member::iam::{PolicyDescription, PolicyDocument, PolicyName, PolicyPath, Tags};
use wire::{Fault, FaultKind};

/// The operation.
#[derive(Debug)]
pub struct CreatePolicy;

wire::input! {
    /// What it takes.
    pub struct Input {
        required policy_name: PolicyName = "PolicyName",
        optional path: PolicyPath = "Path",
        required document: PolicyDocument = "PolicyDocument",
        optional description: PolicyDescription = "Description",
        optional tags: Tags = "Tags",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required policy: PolicyElement = "Policy",
    }
}

impl Operation for CreatePolicy {
    const NAME: &'static str = "CreatePolicy";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Sought<ManagedPolicy>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("policyName", input.policy_name.as_str());
        record::text(record, "path", input.path.as_ref().map(PolicyPath::as_str));
        record.string("policyDocument", input.document.as_str());
        record::text(record, "description", input.description.as_ref().map(PolicyDescription::as_str));
        record::tags(record, input.tags.as_ref());
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        tags::facts(input.tags.as_ref())
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<ManagedPolicy>, Failure> {
        scene.to_be_made(path(input), input.policy_name.as_str()).await
    }

    //= iam:CreatePolicy: with tags, iam:TagPolicy is needed too
    fn permissions<'a>(input: &Input, subject: &'a Sought<ManagedPolicy>) -> Vec<Permission<'a>> {
        let tagging = input.tags.as_ref().filter(|tags| !tags.0.is_empty());
        let tagging = tagging.map(|_| subject.permission("iam:TagPolicy"));
        std::iter::once(subject.permission("iam:CreatePolicy")).chain(tagging).collect()
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<ManagedPolicy>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        if subject.stored().is_some() {
            return Err(name_in_use(subject.name()).into());
        }
        let (text, tags) = (checked(&input.document)?, tags::of(input.tags.as_ref())?);
        scene.check_account_quota::<ManagedPolicy>().await?;
        let policy = ManagedPolicy {
            account: subject.account(),
            name: subject.name().to_owned(),
            path: path(input).to_owned(),
            id: ManagedPolicy::new_id(),
            created: scene.now,
            updated: scene.now,
            description: input.description.as_ref().map_or("", PolicyDescription::as_str).to_owned(),
            tags,
            versions: vec![PolicyVersion { number: 1, text, created: scene.now }],
            default: 1,
            next: 2,
        };
        scene.commit(subject, scene.changes().create(&policy)).await?;
        let elements = record_policy(&policy, scene);
        Ok(Outcome::of(Answer { policy: element(&policy, scene).await? }).with_elements(elements))
    }
}

fn path(input: &Input) -> &str {
    input.path.as_ref().map_or("/", PolicyPath::as_str)
}

fn name_in_use(name: &str) -> Fault {
    let message = format!("A policy called {name} already exists. Duplicate names are not allowed.");
    Fault::new(FaultKind::EntityAlreadyExists, message)
}
