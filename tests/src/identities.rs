//! Users, roles and sessions, made with the service's own IAM and STS as any client makes them.

use crate::{Answer, Caller, Request, Server};
use serde_json::{Value, json};

/// A user and an access key of it.
#[derive(Clone, Debug)]
pub struct User {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its unique id.
    pub id: String,
    /// Who calls with its access key.
    pub caller: Caller,
}

/// A role.
#[derive(Clone, Debug)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its unique id.
    pub id: String,
}

impl Server {
    /// Calls an operation of IAM as the first account's root.
    #[must_use]
    pub fn iam(&self, action: &str, parameters: &[(&str, &str)]) -> Answer {
        self.iam_as(self.root(), action, parameters)
    }

    /// Calls an operation of IAM as somebody.
    #[must_use]
    pub fn iam_as(&self, caller: &Caller, action: &str, parameters: &[(&str, &str)]) -> Answer {
        self.send(&self.query("iam", action, parameters).signed(caller))
    }

    /// Calls an operation of STS as the first account's root.
    #[must_use]
    pub fn sts(&self, action: &str, parameters: &[(&str, &str)]) -> Answer {
        self.sts_as(self.root(), action, parameters)
    }

    /// Calls an operation of STS as somebody.
    #[must_use]
    pub fn sts_as(&self, caller: &Caller, action: &str, parameters: &[(&str, &str)]) -> Answer {
        self.send(&self.query("sts", action, parameters).signed(caller))
    }

    /// A request in the Query protocol, to `iam` or `sts`, not signed yet.
    #[must_use]
    pub fn query(&self, service: &'static str, action: &str, parameters: &[(&str, &str)]) -> Request {
        Request::query(&self.http().to_string(), service, action, parameters)
    }

    /// Makes a user in an account, which owns an access key and may do nothing yet.
    #[must_use]
    pub fn create_user(&self, root: &Caller, name: &str) -> User {
        let made = self.iam_as(root, "CreateUser", &[("UserName", name)]).output();
        let text = |member: &str| made["User"][member].as_str().unwrap().to_owned();
        let caller = self.create_access_key(root, name);
        User { name: name.to_owned(), arn: text("Arn"), id: text("UserId"), caller }
    }

    /// Makes a user that those statements let do something.
    #[must_use]
    pub fn create_user_with(&self, root: &Caller, name: &str, statements: &Value) -> User {
        let user = self.create_user(root, name);
        self.put_user_policy(root, name, statements);
        user
    }

    /// Makes an access key for a user.
    #[must_use]
    pub fn create_access_key(&self, root: &Caller, user: &str) -> Caller {
        let made = self.iam_as(root, "CreateAccessKey", &[("UserName", user)]).output();
        caller_of(&made["AccessKey"], root)
    }

    /// Sets the one inline policy of a user that tests use.
    pub fn put_user_policy(&self, root: &Caller, user: &str, statements: &Value) {
        let policy = policy(statements);
        let parameters = [("UserName", user), ("PolicyName", POLICY), ("PolicyDocument", &policy)];
        let _ = self.iam_as(root, "PutUserPolicy", &parameters).output();
    }

    /// Takes it off again.
    pub fn delete_user_policy(&self, root: &Caller, user: &str) {
        let parameters = [("UserName", user), ("PolicyName", POLICY)];
        let _ = self.iam_as(root, "DeleteUserPolicy", &parameters).output();
    }

    /// Makes a role in an account, which `trusted` may assume: an ARN or an account's id. It may do nothing yet.
    #[must_use]
    pub fn create_role(&self, root: &Caller, name: &str, trusted: &str) -> Role {
        let trust =
            policy(&json!([{"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"}]));
        let parameters = [("RoleName", name), ("AssumeRolePolicyDocument", trust.as_str())];
        let made = self.iam_as(root, "CreateRole", &parameters).output();
        let text = |member: &str| made["Role"][member].as_str().unwrap().to_owned();
        Role { name: name.to_owned(), arn: text("Arn"), id: text("RoleId") }
    }

    /// Sets the one inline policy of a role that tests use.
    pub fn put_role_policy(&self, root: &Caller, role: &str, statements: &Value) {
        let policy = policy(statements);
        let parameters = [("RoleName", role), ("PolicyName", POLICY), ("PolicyDocument", &policy)];
        let _ = self.iam_as(root, "PutRolePolicy", &parameters).output();
    }

    /// Assumes a role: who calls with its session's credentials.
    #[must_use]
    pub fn assume_role(&self, caller: &Caller, role_arn: &str, session: &str) -> Caller {
        self.assume_role_with(caller, role_arn, session, &[])
    }

    /// The same with more parameters.
    #[must_use]
    pub fn assume_role_with(
        &self,
        caller: &Caller,
        role_arn: &str,
        session: &str,
        parameters: &[(&str, &str)],
    ) -> Caller {
        let named = [("RoleArn", role_arn), ("RoleSessionName", session)];
        let made = self.sts_as(caller, "AssumeRole", &[&named, parameters].concat()).output();
        caller_of(&made["Credentials"], caller)
    }
}

/// Who calls with credentials that the service has handed out, into the same region.
#[must_use]
pub fn caller_of(credentials: &Value, like: &Caller) -> Caller {
    let text = |member: &str| credentials[member].as_str().map(str::to_owned);
    Caller {
        access_key_id: text("AccessKeyId").expect("an access key has an id"),
        secret_access_key: text("SecretAccessKey").expect("and a secret"),
        session_token: text("SessionToken"),
        region: like.region.clone(),
    }
}

/// The text of a policy of those statements.
#[must_use]
pub fn policy(statements: &Value) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

const POLICY: &str = "of-the-test";
