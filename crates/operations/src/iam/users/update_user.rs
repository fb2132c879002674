//! `UpdateUser`: gives a user another name or path. Its unique id stays, and with it what policies that name it mean.

use crate::iam::{record, renaming::Renaming};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::{AccessKey, AccessKeyOwner, User};
use keys::KeyStates;
use wire::Fault;
use wire::member::iam::{ExistingUserName, Path, UserName};

/// The operation.
#[derive(Debug)]
pub struct UpdateUser;

wire::input! {
    /// What it takes.
    pub struct Input {
        required user_name: ExistingUserName = "UserName",
        optional new_path: Path = "NewPath",
        optional new_user_name: UserName = "NewUserName",
    }
}

impl Operation for UpdateUser {
    const NAME: &'static str = "UpdateUser";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = Renaming<User>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("userName", input.user_name.as_str());
        record::text(record, "newPath", input.new_path.as_ref().map(Path::as_str));
        record::text(record, "newUserName", input.new_user_name.as_ref().map(UserName::as_str));
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Renaming<User>, Failure> {
        let new_name = input.new_user_name.as_ref().map(UserName::as_str);
        let new_path = input.new_path.as_ref().map(Path::as_str);
        scene.renaming(input.user_name.as_str(), new_name, new_path).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Renaming<User>) -> Vec<Permission<'a>> {
        subject.permissions("iam:UpdateUser")
    }

    fn fit(_: &Input, subject: &Renaming<User>) -> Result<(), Fault> {
        subject.check_new_name()
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<Renaming<User>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let old = subject.from.found()?;
        let new =
            User { name: subject.to.name().to_owned(), path: subject.path().to_owned(), ..User::clone(old) };
        let mut changes = scene.changes().replace(old, &new);
        for access_key in scene.access_keys(&old.access_keys).await? {
            let owner = AccessKeyOwner::User { name: new.name.clone(), id: new.id.clone() };
            changes = changes
                .replace_access_key(&access_key, &AccessKey { owner, ..AccessKey::clone(&access_key) });
        }
        scene.commit(subject, changes).await?;
        Ok(Outcome::of(()))
    }
}
