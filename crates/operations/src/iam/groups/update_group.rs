//! `UpdateGroup`: gives a group another name or path. Its members stay in it.

use crate::iam::{record, renaming::Renaming};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::{Changes, Group, User};
use keys::KeyStates;
use wire::Fault;
use wire::member::iam::{GroupName, Path};

/// The operation.
#[derive(Debug)]
pub struct UpdateGroup;

wire::input! {
    /// What it takes.
    pub struct Input {
        required group_name: GroupName = "GroupName",
        optional new_path: Path = "NewPath",
        optional new_group_name: GroupName = "NewGroupName",
    }
}

impl Operation for UpdateGroup {
    const NAME: &'static str = "UpdateGroup";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = Renaming<Group>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("groupName", input.group_name.as_str());
        record::text(record, "newPath", input.new_path.as_ref().map(Path::as_str));
        record::text(record, "newGroupName", input.new_group_name.as_ref().map(GroupName::as_str));
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Renaming<Group>, Failure> {
        let new_name = input.new_group_name.as_ref().map(GroupName::as_str);
        let new_path = input.new_path.as_ref().map(Path::as_str);
        scene.renaming(input.group_name.as_str(), new_name, new_path).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Renaming<Group>) -> Vec<Permission<'a>> {
        subject.permissions("iam:UpdateGroup")
    }

    fn fit(_: &Input, subject: &Renaming<Group>) -> Result<(), Fault> {
        subject.check_new_name()
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<Renaming<Group>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let old = subject.from.found()?;
        let new = Group {
            name: subject.to.name().to_owned(),
            path: subject.path().to_owned(),
            ..Group::clone(old)
        };
        let members = match new.name == old.name {
            true => Vec::new(),
            false => scene.reader().members(&old.account, &old.name).await?,
        };
        if members.len() <= AT_ONCE && !is_interrupted(subject) {
            let changes = scene.changes().replace(old, &new);
            let changes = moved(&members, &new.name, changes, subject, scene).await?;
            scene.commit(subject, changes).await?;
        } else {
            move_many(&members, &new, subject, scene).await?;
        }
        Ok(Outcome::of(()))
    }
}

/// Moves more members than fit into one commit: for as long as it takes there are both groups, with the same policies. What was
/// interrupted is taken up where it stopped by the same request again.
async fn move_many(
    members: &[String],
    new: &Group,
    renaming: &Authorized<Renaming<Group>>,
    scene: &Scene<'_>,
) -> Result<(), Failure> {
    let old = renaming.from.found()?;
    let is_same_place = is_same_place(renaming);
    match (is_same_place, renaming.to.stored()) {
        (true, _) => scene.commit(renaming, scene.changes().replace(old, new)).await?,
        (false, None) => scene.commit(renaming, scene.changes().create(new)).await?,
        (false, Some(_)) => {}
    }
    for some in members.chunks(AT_ONCE) {
        let changes = moved(some, &new.name, scene.changes(), renaming, scene).await?;
        scene.commit(renaming, changes).await?;
    }
    if !is_same_place {
        scene.commit(renaming, scene.changes().delete(old)).await?;
    }
    Ok(())
}

/// Whether both names are found at the same place: they differ in nothing but case.
fn is_same_place(renaming: &Renaming<Group>) -> bool {
    renaming.to.name().eq_ignore_ascii_case(renaming.from.name())
}

/// Whether the group is there under both names. If it is not the same, [`Renaming::check_new_name`] has refused it.
fn is_interrupted(renaming: &Renaming<Group>) -> bool {
    !is_same_place(renaming) && renaming.to.stored().is_some()
}

/// The changes, with those users in the group of the new name and no longer in that of the old one.
async fn moved(
    members: &[String],
    new_name: &str,
    mut changes: Changes,
    renaming: &Renaming<Group>,
    scene: &Scene<'_>,
) -> Result<Changes, Failure> {
    let old_name = &renaming.from.found()?.name;
    for member in members {
        let Some(old) = scene.reader().find::<User>(&renaming.from.account(), member).await? else {
            continue;
        };
        let mut new = User::clone(&old);
        new.groups.retain(|group| !group.eq_ignore_ascii_case(old_name));
        new.groups.insert(new_name.to_owned());
        changes = changes.replace(&old, &new);
    }
    Ok(changes)
}

/// So many users with all that finds them fit into a commit beside a group with ten policies.
const AT_ONCE: usize = 20;
