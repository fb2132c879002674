//! A small model of the life of keys, written from AWS's tables and not from our code. Time is in whole days.

use std::collections::BTreeMap;

/// What a key is made as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Symmetric,
    Signing,
    Imported,
    MultiRegion,
}

/// What is done to a key in one of the regions.
#[derive(Clone, Debug)]
pub enum Act {
    Enable,
    Disable,
    Schedule(u32),
    Cancel,
    Encrypt,
    /// Of what was encrypted, one.
    Decrypt(usize),
    Sign,
    EnableRotation(u32),
    DisableRotation,
    Rotate,
    ImportNew(Option<u32>),
    /// Of the materials that the key has, one.
    ImportAgain(usize, Option<u32>),
    DeleteMaterial(usize),
    Replicate(usize),
    Promote(usize),
}

/// An error's name.
pub type Refusal = &'static str;

const NOT_FOUND: Refusal = "NotFoundException";
const DISABLED: Refusal = "DisabledException";
const INVALID_STATE: Refusal = "KMSInvalidStateException";
const UNSUPPORTED: Refusal = "UnsupportedOperationException";
const WRONG_USAGE: Refusal = "InvalidKeyUsageException";
const EXISTS: Refusal = "AlreadyExistsException";

/// A key in all its regions.
#[derive(Clone, Debug)]
pub struct Family {
    pub kind: Kind,
    pub primary: usize,
    pub members: BTreeMap<usize, Member>,
    /// Its materials, the oldest first, without the pending one.
    pub materials: Vec<Material>,
    pub pending: Option<Material>,
    pub schedule: Option<Schedule>,
    /// Its rotations, the oldest first.
    pub rotations: Vec<&'static str>,
}

#[derive(Clone, Debug)]
pub struct Member {
    pub enabled: bool,
    pub deletion: Option<Deletion>,
}

#[derive(Clone, Copy, Debug)]
pub struct Deletion {
    pub date: Option<u32>,
    pub window: u32,
}

#[derive(Clone, Debug)]
pub struct Material {
    /// Which bytes were imported.
    pub number: u8,
    pub at_hand: bool,
    pub valid_to: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    pub period: u32,
    pub next: u32,
}

impl Family {
    pub fn new(kind: Kind, region: usize) -> Self {
        let first = Material { number: 0, at_hand: true, valid_to: None };
        let materials = if kind == Kind::Imported { Vec::new() } else { vec![first] };
        let members = [(region, Member { enabled: true, deletion: None })].into();
        Self {
            kind,
            primary: region,
            members,
            materials,
            pending: None,
            schedule: None,
            rotations: Vec::new(),
        }
    }

    /// The state that DescribeKey shows in a region; none where there is no such key.
    pub fn state(&self, region: usize) -> Option<&'static str> {
        let member = self.members.get(&region)?;
        Some(match member.deletion {
            Some(_) if region == self.primary && self.members.len() > 1 => "PendingReplicaDeletion",
            Some(_) => "PendingDeletion",
            None if self.lacks_material() => "PendingImport",
            None if member.enabled => "Enabled",
            None => "Disabled",
        })
    }

    pub fn is_symmetric(&self) -> bool {
        self.kind != Kind::Signing
    }

    fn lacks_material(&self) -> bool {
        self.materials.is_empty() || self.materials.iter().any(|material| !material.at_hand)
    }

    /// What the act comes to on that day; if it is refused, nothing has changed.
    pub fn act(&mut self, region: usize, act: &Act, today: u32) -> Result<(), Refusal> {
        let state = self.state(region).ok_or(NOT_FOUND)?;
        self.check_origin(act)?;
        match act {
            Act::Enable | Act::Disable => {
                refuse_in(state, &["PendingDeletion", "PendingReplicaDeletion", "PendingImport"])?;
                self.member(region).enabled = matches!(act, Act::Enable);
                self.rotate_if_due(today);
            }
            Act::Schedule(window) => {
                refuse_in(state, &["PendingDeletion", "PendingReplicaDeletion"])?;
                let waits = region == self.primary && self.members.len() > 1;
                let date = (!waits).then_some(today + window);
                *self.member(region) =
                    Member { enabled: false, deletion: Some(Deletion { date, window: *window }) };
            }
            Act::Cancel => {
                if !matches!(state, "PendingDeletion" | "PendingReplicaDeletion") {
                    return Err(INVALID_STATE);
                }
                *self.member(region) = Member { enabled: false, deletion: None };
            }
            Act::Encrypt | Act::Decrypt(_) => {
                usable(state)?;
                self.is_symmetric().then_some(()).ok_or(WRONG_USAGE)?;
            }
            Act::Sign => {
                usable(state)?;
                (!self.is_symmetric()).then_some(()).ok_or(WRONG_USAGE)?;
            }
            Act::EnableRotation(period) => {
                self.check_rotatable(region, state)?;
                self.schedule = Some(Schedule { period: *period, next: today + period });
            }
            Act::DisableRotation => {
                self.check_rotatable(region, state)?;
                self.schedule = None;
            }
            Act::Rotate => self.rotate_on_demand(region, state)?,
            Act::ImportNew(days) => self.import_new(state, days.map(|days| today + days))?,
            Act::ImportAgain(which, days) => {
                self.import_again(state, *which, days.map(|days| today + days))?
            }
            Act::DeleteMaterial(which) => self.delete_material(*which),
            Act::Replicate(to) => self.replicate(region, state, *to)?,
            Act::Promote(to) => self.promote(region, state, *to)?,
        }
        Ok(())
    }

    fn member(&mut self, region: usize) -> &mut Member {
        self.members.get_mut(&region).unwrap()
    }

    /// Only imported keys take material, and only others rotate by themselves, whatever their state.
    fn check_origin(&self, act: &Act) -> Result<(), Refusal> {
        let is_imported = self.kind == Kind::Imported;
        match act {
            Act::ImportNew(_) | Act::ImportAgain(..) | Act::DeleteMaterial(_) if !is_imported => {
                Err(UNSUPPORTED)
            }
            Act::EnableRotation(_) | Act::DisableRotation if is_imported => Err(UNSUPPORTED),
            _ => Ok(()),
        }
    }

    fn check_rotatable(&self, region: usize, state: &str) -> Result<(), Refusal> {
        usable(state)?;
        let rotatable = matches!(self.kind, Kind::Symmetric | Kind::MultiRegion) && region == self.primary;
        rotatable.then_some(()).ok_or(UNSUPPORTED)
    }

    fn rotate_on_demand(&mut self, region: usize, state: &str) -> Result<(), Refusal> {
        usable(state)?;
        if self.kind == Kind::Signing || region != self.primary {
            return Err(UNSUPPORTED);
        }
        let material = match self.kind {
            Kind::Imported => self.pending.take().ok_or(INVALID_STATE)?,
            _ => Material { number: 0, at_hand: true, valid_to: None },
        };
        self.materials.push(material);
        self.rotations.push("ON_DEMAND");
        Ok(())
    }

    fn import_new(&mut self, state: &str, valid_to: Option<u32>) -> Result<(), Refusal> {
        refuse_in(state, &["PendingDeletion", "PendingReplicaDeletion"])?;
        let number = self.fresh_number();
        let material = Material { number, at_hand: true, valid_to };
        if self.materials.is_empty() {
            self.materials.push(material);
        } else if self.pending.is_some() {
            return Err(INVALID_STATE);
        } else {
            self.pending = Some(material);
        }
        self.enable_if_whole(state);
        Ok(())
    }

    /// A number for bytes that were never imported.
    pub fn fresh_number(&self) -> u8 {
        let all = self.materials.iter().chain(&self.pending);
        all.map(|material| material.number).max().unwrap_or(0) + 1
    }

    fn import_again(&mut self, state: &str, which: usize, valid_to: Option<u32>) -> Result<(), Refusal> {
        refuse_in(state, &["PendingDeletion", "PendingReplicaDeletion"])?;
        if self.materials.is_empty() {
            return Err("IncorrectKeyMaterialException");
        }
        let which = which % self.materials.len();
        self.materials[which] = Material { at_hand: true, valid_to, ..self.materials[which].clone() };
        self.enable_if_whole(state);
        Ok(())
    }

    /// What was missing is there again, and the key is on, whatever it was before.
    fn enable_if_whole(&mut self, state: &str) {
        if state == "PendingImport" && !self.lacks_material() {
            self.member(self.primary).enabled = true;
        }
    }

    fn delete_material(&mut self, which: usize) {
        let count = self.materials.len().max(1);
        if let Some(material) = self.materials.get_mut(which % count) {
            *material = Material { at_hand: false, valid_to: None, ..material.clone() };
        }
    }

    fn replicate(&mut self, region: usize, state: &str, to: usize) -> Result<(), Refusal> {
        usable(state)?;
        if self.kind != Kind::MultiRegion || region != self.primary {
            return Err(UNSUPPORTED);
        }
        if self.members.contains_key(&to) {
            return Err(EXISTS);
        }
        self.members.insert(to, Member { enabled: true, deletion: None });
        Ok(())
    }

    fn promote(&mut self, region: usize, state: &str, to: usize) -> Result<(), Refusal> {
        usable(state)?;
        if let Some(other) = self.state(to) {
            usable(other)?;
        }
        if self.kind != Kind::MultiRegion || region != self.primary || to == region {
            return Err(UNSUPPORTED);
        }
        self.members.contains_key(&to).then_some(()).ok_or(NOT_FOUND)?;
        self.primary = to;
        Ok(())
    }

    /// What happens by itself until that day.
    pub fn live_until(&mut self, today: u32) {
        for material in &mut self.materials {
            if material.valid_to.is_some_and(|day| day <= today) {
                (material.at_hand, material.valid_to) = (false, None);
            }
        }
        // What never became current is forgotten.
        self.pending.take_if(|material| material.valid_to.is_some_and(|day| day <= today));
        let due = |member: &Member| {
            member.deletion.and_then(|deletion| deletion.date).is_some_and(|day| day <= today)
        };
        let primary = self.primary;
        let before = self.members.len();
        self.members.retain(|_, member| !due(member));
        if before > 1
            && self.members.len() == 1
            && let Some(Member { deletion: Some(deletion), .. }) = self.members.get_mut(&primary)
        {
            deletion.date.get_or_insert(today + deletion.window);
        }
        self.rotate_if_due(today);
    }

    fn rotate_if_due(&mut self, today: u32) {
        let on = self
            .members
            .get(&self.primary)
            .is_some_and(|primary| primary.enabled && primary.deletion.is_none());
        let Some(Schedule { period, next }) = self.schedule.filter(|schedule| on && schedule.next <= today)
        else {
            return;
        };
        let after = if next + period > today { next + period } else { today + period };
        self.schedule = Some(Schedule { period, next: after });
        self.materials.push(Material { number: 0, at_hand: true, valid_to: None });
        self.rotations.push("AUTOMATIC");
    }
}

fn usable(state: &str) -> Result<(), Refusal> {
    match state {
        "Enabled" => Ok(()),
        "Disabled" => Err(DISABLED),
        _ => Err(INVALID_STATE),
    }
}

fn refuse_in(state: &str, states: &[&str]) -> Result<(), Refusal> {
    if states.contains(&state) { Err(INVALID_STATE) } else { Ok(()) }
}
