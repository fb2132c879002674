//! Who called, as a record says it: `userIdentity`.

use super::Caller;
use access::PrincipalKind;
use audit::{SessionAttributes, SessionContext, SessionIssuer, UserIdentity};

/// A caller, and the texts of it that a record borrows.
pub struct Who<'a> {
    caller: &'a Caller,
    id: String,
    arn: String,
    role_arn: String,
}

impl<'a> Who<'a> {
    pub fn of(caller: &'a Caller) -> Self {
        let principal = &caller.identity.principal;
        Self {
            caller,
            id: principal.user_id(),
            arn: principal.to_string(),
            role_arn: principal.principal_arn(),
        }
    }

    /// As the caller's own account sees it.
    pub fn identity(&self) -> UserIdentity<'_> {
        let principal = &self.caller.identity.principal;
        let (account_id, access_key_id) = (*principal.account(), self.caller.access_key_id.as_str());
        match principal.kind() {
            PrincipalKind::Root => {
                UserIdentity::Root { account_id, arn: &self.arn, access_key_id, session: self.attributes() }
            }
            PrincipalKind::User { name, .. } => UserIdentity::IamUser {
                principal_id: &self.id,
                arn: &self.arn,
                account_id,
                access_key_id,
                user_name: name,
                session: self.attributes(),
            },
            PrincipalKind::AssumedRole { role, role_id, .. } => UserIdentity::AssumedRole {
                principal_id: &self.id,
                arn: &self.arn,
                account_id,
                access_key_id,
                session_context: self.session_context(role, role_id),
            },
            PrincipalKind::Federated { provider, subject } => UserIdentity::WebIdentityUser {
                principal_id: &self.id,
                user_name: subject,
                identity_provider: provider,
            },
            PrincipalKind::Service { name } => UserIdentity::AwsService { invoked_by: name },
        }
    }

    /// As the owner of what was called upon sees a caller of another account. A service is of none.
    pub fn identity_for_others(&self) -> UserIdentity<'_> {
        let principal = &self.caller.identity.principal;
        match principal.kind() {
            PrincipalKind::Service { .. } => self.identity(),
            _ => UserIdentity::AwsAccount { principal_id: &self.id, account_id: *principal.account() },
        }
    }

    fn session_context<'s>(&'s self, role: &'s str, role_id: &'s str) -> SessionContext<'s> {
        let session = self.caller.session.as_ref();
        SessionContext {
            session_issuer: SessionIssuer {
                principal_id: role_id,
                arn: &self.role_arn,
                account_id: *self.caller.identity.principal.account(),
                user_name: role,
            },
            federated_provider: self.caller.provider(),
            attributes: self.attributes(),
            source_identity: session.and_then(|session| session.source_identity.as_deref()),
        }
    }

    fn attributes(&self) -> Option<SessionAttributes> {
        let session = self.caller.session.as_ref()?;
        Some(SessionAttributes { creation_date: session.issued, mfa_authenticated: false })
    }
}
