//! `CreateUser`: makes a user, who may do nothing yet.

use super::UserElement;
use crate::Fact;
use crate::iam::{
    entity::{Entity, Sought},
    holder, record, tags,
};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::User;
use keys::KeyStates;
use std::collections::{BTreeMap, BTreeSet};
use wire::Fault;
use wire::member::iam::{Arn, Path, Tags, UserName};

/// The operation.
#[derive(Debug)]
pub struct CreateUser;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional path: Path = "Path",
        required user_name: UserName = "UserName",
        optional boundary: Arn = "PermissionsBoundary",
        optional tags: Tags = "Tags",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required user: UserElement = "User",
    }
}

impl Operation for CreateUser {
    const NAME: &'static str = "CreateUser";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Sought<User>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record::text(record, "path", input.path.as_ref().map(Path::as_str));
        record.string("userName", input.user_name.as_str());
        record::text(record, "permissionsBoundary", input.boundary.as_ref().map(Arn::as_str));
        record::tags(record, input.tags.as_ref());
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        tags::of(input.tags.as_ref()).map(|_| ())
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        let mut facts = tags::facts(input.tags.as_ref());
        facts.extend(holder::boundary_facts(input.boundary.as_ref()));
        facts
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<User>, Failure> {
        scene.to_be_made(input.path(), input.user_name.as_str()).await
    }

    fn permissions<'a>(input: &Input, subject: &'a Sought<User>) -> Vec<Permission<'a>> {
        let mut actions = vec!["iam:CreateUser"];
        actions.extend(input.tags.as_ref().map(|_| "iam:TagUser"));
        actions.into_iter().map(|action| subject.permission(action)).collect()
    }

    fn fit(_: &Input, subject: &Sought<User>) -> Result<(), Fault> {
        subject.absent()
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<User>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        scene.check_account_quota::<User>().await?;
        let boundary = match &input.boundary {
            Some(arn) => Some(scene.boundary_policy(arn).await?),
            None => None,
        };
        let user = User {
            account: subject.account(),
            name: subject.name().to_owned(),
            path: input.path().to_owned(),
            id: User::new_id(),
            created: scene.now,
            tags: tags::of(input.tags.as_ref())?,
            groups: BTreeSet::new(),
            attached: BTreeSet::new(),
            inline: BTreeMap::new(),
            boundary: boundary.as_ref().map(|policy| policy.arn.clone()),
            access_keys: Vec::new(),
        };
        let changes = boundary.iter().fold(scene.changes(), |changes, policy| policy.kept(changes));
        scene.commit(subject, changes.create(&user)).await?;
        let user = UserElement::of(&user, scene);
        let elements = user.elements();
        Ok(Outcome::of(Answer { user }).with_elements(elements))
    }
}

impl Input {
    fn path(&self) -> &str {
        self.path.as_ref().map_or("/", Path::as_str)
    }
}
