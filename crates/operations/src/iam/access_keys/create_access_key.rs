//! `CreateAccessKey`: makes an access key. The security module makes its secret, which is answered this once and never recorded.

use crate::iam::entity::quota_exceeded;
use crate::iam::ids::access_key_id;
use crate::iam::oneself::Oneself;
use crate::iam::record;
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::{Json, Object, object};
use catalog::{AccessKey, Changes, User};
use keys::KeyStates;
use module_api::CredentialBinding;
use wire::member::iam::ExistingUserName;
use wire::{IsoTimestamp, SecretText, Sensitive};

/// The operation.
#[derive(Debug)]
pub struct CreateAccessKey;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional user_name: ExistingUserName = "UserName",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required access_key: NewAccessKey = "AccessKey",
    }
}

wire::output! {
    /// The new access key. One of root names no user.
    pub struct NewAccessKey {
        optional user_name: String = "UserName",
        required id: String = "AccessKeyId",
        required status: &'static str = "Status",
        required secret: SecretText = "SecretAccessKey",
        required created: IsoTimestamp = "CreateDate",
    }
}

impl Operation for CreateAccessKey {
    const NAME: &'static str = "CreateAccessKey";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Oneself;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record::text(record, "userName", input.user_name.as_ref().map(ExistingUserName::as_str));
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Oneself, Failure> {
        scene.oneself(input.user_name.as_ref().map(ExistingUserName::as_str)).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Oneself) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:CreateAccessKey")]
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<Oneself>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        if subject.access_key_ids(scene).await?.len() >= MOST_ACCESS_KEYS {
            return Err(quota_exceeded("AccessKeysPerUser", MOST_ACCESS_KEYS).into());
        }
        let (made, secret) = make(subject, scene).await?;
        let changes = counted(subject, &made, scene.changes())?.create_access_key(&made);
        scene.commit(subject, changes).await?;
        let access_key = NewAccessKey {
            user_name: subject.name()?.map(str::to_owned),
            id: made.id,
            status: super::status(made.active),
            secret: SecretText(secret),
            created: IsoTimestamp(made.created),
        };
        let elements = elements(&access_key);
        Ok(Outcome::of(Answer { access_key }).with_elements(elements))
    }
}

/// Has the module make the secret. What is kept of it is sealed.
async fn make(
    holder: &Authorized<Oneself>,
    scene: &Scene<'_>,
) -> Result<(AccessKey, Sensitive<String>), Failure> {
    let (account, id) = (scene.account(), access_key_id("AKIA"));
    let binding = CredentialBinding { account, access_key_id: id.as_str().into() };
    let mut made = scene.module(holder).create_access_key_secret(&binding).await?;
    let secret = Sensitive::new(std::mem::take(&mut *made.secret));
    let sealed = made.token.as_bytes().to_vec();
    let (owner, created) = (holder.as_owner()?, scene.now);
    Ok((AccessKey { id, account, owner, active: true, created, secret: sealed }, secret))
}

/// The changes, with the access key in its user's record: of two who make the last one at the same time, one does.
fn counted(holder: &Oneself, made: &AccessKey, changes: Changes) -> Result<Changes, Failure> {
    let Oneself::User(user) = holder else { return Ok(changes) };
    let old = user.found()?;
    let mut new = User::clone(old);
    new.access_keys.push(made.id.clone());
    Ok(changes.replace(old, &new))
}

/// What CloudTrail shows under `responseElements`: all but the secret.
fn elements(made: &NewAccessKey) -> Json {
    object(|elements| {
        elements.object("accessKey", |access_key| {
            record::text(access_key, "userName", made.user_name.as_deref());
            access_key.string("accessKeyId", &made.id);
            access_key.string("status", made.status);
            record::created(access_key, made.created.0);
        });
    })
}

//= iam quotas: two access keys a user, and two of the root
const MOST_ACCESS_KEYS: usize = 2;
