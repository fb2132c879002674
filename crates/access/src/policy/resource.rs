//! What an action is on, and what a policy says about it: `Resource` and its values.

use super::PolicyKind;
use super::malformed::Flaw;
use std::cell::OnceCell;
use std::fmt;

/// A resource by its ARN, which is written down only when a statement asks for it.
pub(crate) struct Target<'a> {
    name: Name<'a>,
    written: OnceCell<String>,
}

#[derive(Clone, Copy)]
enum Name<'a> {
    Display(&'a dyn fmt::Display),
    Text(&'a str),
}

impl<'a> Target<'a> {
    /// Nothing in particular: only what covers everything covers it.
    pub(crate) const fn any() -> Self {
        Self::text("*")
    }

    /// The resource with that ARN.
    pub(crate) const fn text(arn: &'a str) -> Self {
        Self { name: Name::Text(arn), written: OnceCell::new() }
    }

    /// The resource that shows itself as its ARN.
    pub(crate) const fn of(resource: &'a dyn fmt::Display) -> Self {
        Self { name: Name::Display(resource), written: OnceCell::new() }
    }

    /// Its ARN.
    pub(crate) fn arn(&self) -> &str {
        match self.name {
            Name::Display(resource) => self.written.get_or_init(|| resource.to_string()),
            Name::Text(arn) => arn,
        }
    }
}

/// What is wrong with a value of `Resource`, if anything is.
pub(super) fn check(resource: &str, kind: PolicyKind) -> Result<(), Flaw> {
    if resource == "*" {
        return Ok(());
    }
    match kind {
        PolicyKind::ExternalKey => check_parts(resource).and_then(|vendor| check_vendor(vendor, resource)),
        PolicyKind::Identity => check_parts(resource).map(drop),
        PolicyKind::Key | PolicyKind::Trust if resource.starts_with("arn:") => Ok(()),
        PolicyKind::Key | PolicyKind::Trust => Err(Flaw::ResourceForm(resource.into())),
    }
}

/// Its vendor, if it has the parts that it must have.
fn check_parts(resource: &str) -> Result<String, Flaw> {
    let masked = without_variables(resource);
    let (scheme, rest) = masked.split_once(':').ok_or_else(|| Flaw::ResourceForm(resource.into()))?;
    let parts: Vec<&str> = rest.splitn(5, ':').collect();
    let part = |place: usize| parts.get(place).copied().unwrap_or("*");
    let (partition, vendor, region) = (part(0), part(1), part(2));
    if scheme != "arn" || !is_partition(partition) {
        let resource = format!("arn:{partition}:{vendor}:{region}:{}:{}", part(3), part(4));
        return Err(Flaw::ResourcePartition { partition: partition.into(), resource });
    }
    if parts.len() < 2 || vendor.contains(['*', '?']) {
        return Err(Flaw::ResourceVendor(resource.into()));
    }
    // A wildcard at the end reaches over the parts that are not there.
    if vendor.is_empty() || (parts.len() < 5 && !resource.ends_with('*')) {
        return Err(Flaw::ResourceParts(resource.into()));
    }
    if vendor == "iam" && !region.is_empty() && region != "*" {
        return Err(Flaw::IamResourceRegion(resource.into()));
    }
    if vendor == "iam" && parts.get(4).is_some_and(|path| !is_path_of_iam(path)) {
        return Err(Flaw::IamResourcePath(resource.into()));
    }
    Ok(vendor.to_owned())
}

fn check_vendor(vendor: String, resource: &str) -> Result<(), Flaw> {
    let why = "a request is about a key of KMS";
    (vendor == "kms").then_some(()).ok_or_else(|| Flaw::Never {
        what: "resource",
        value: resource.into(),
        why,
    })
}

/// The text with a wildcard in the place of each variable, whose name has colons of its own.
fn without_variables(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, variable)) = rest.split_once("${") {
        masked.push_str(before);
        masked.push('*');
        rest = variable.split_once('}').map_or("", |(_, after)| after);
    }
    masked + rest
}

fn is_partition(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-*?".contains(&b))
}

fn is_path_of_iam(path: &str) -> bool {
    path == "root" || path.contains(['*', '?']) || IAM_PATHS.iter().any(|start| path.starts_with(start))
}

/// How what IAM has may begin, in the order in which AWS names it.
pub(super) const IAM_PATHS: [&str; 13] = [
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
];
