//! Who may call: clients by their certificates, credentials, policy.

use xks_api::{ErrorName, Operation};

use super::authentication::{REFUSED, health_by, health_request};
use crate::calls::{Cases, refused, success};
use crate::laboratory::Laboratory;
use crate::requirement::{Finding, Level, Miss, PASSED, Requirement, check, ensure};
use crate::target::{Credential, Identity};
use crate::wire::{Hello, Signer, excerpt};

pub(super) const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        id: "P60",
        level: Level::Should,
        sentence: "Supports mutual TLS.",
        checks: &[check!(Should, Ordinary, serves_clients, "a client with the right certificate is served")],
        by_eye: None,
    },
    Requirement {
        id: "P61",
        level: Level::Must,
        sentence: "Lets the customer configure subject name and authority of the client.",
        checks: &[],
        by_eye: Some("look at the configuration: both can be set"),
    },
    Requirement {
        id: "P62",
        level: Level::Must,
        sentence: "Ends the handshake with a client of another subject or another authority.",
        checks: &[
            check!(Must, Ordinary, refuses_nobody, "a client without a certificate gets no connection"),
            check!(
                Must,
                Ordinary,
                refuses_clients,
                "a client of another subject or authority gets no connection"
            ),
        ],
        by_eye: None,
    },
    Requirement {
        id: "P63",
        level: Level::Must,
        sentence: "Is configured for CN=cks.kms.REGION.amazonaws.com under Amazon Trust Services.",
        checks: &[],
        by_eye: Some("look at the configuration"),
    },
    Requirement {
        id: "P64",
        level: Level::Must,
        sentence: "Maps an access key id to one secret.",
        checks: &[
            check!(Must, Ordinary, keeps_secrets_apart, "the secret of one access key id is none of another"),
            check!(Must, Ordinary, keeps_stores_apart, "the credential of one store is none of another"),
        ],
        by_eye: None,
    },
    Requirement {
        id: "P65",
        level: Level::Should,
        sentence: "Has access key ids of 20 to 30 of A-Z 2-7 and secrets of 43 to 64 of a-z A-Z 0-9 / + =.",
        checks: &[check!(
            Should,
            Ordinary,
            has_good_credentials,
            "the credentials lent are of the right form"
        )],
        by_eye: Some("ask how secrets are made: 256 bits of entropy"),
    },
    Requirement {
        id: "P66",
        level: Level::Should,
        sentence: "Accepts two credentials of one store at once.",
        checks: &[check!(Should, Ordinary, accepts_two, "both credentials are accepted")],
        by_eye: None,
    },
    Requirement {
        id: "P67",
        level: Level::Should,
        sentence: "Takes changes of credentials without a restart.",
        checks: &[],
        by_eye: Some("change a credential under load: no request may fail"),
    },
    Requirement {
        id: "P68",
        level: Level::Should,
        sentence: "Offers a second layer of authorization.",
        checks: &[check!(
            Should,
            Ordinary,
            denies,
            "a caller whom the policy denies the key gets an AccessDeniedException"
        )],
        by_eye: None,
    },
    Requirement {
        id: "P69",
        level: Level::Should,
        sentence: "Logs enough about each denial to repair the policy.",
        checks: &[],
        by_eye: Some("look for the denials of this run in its log"),
    },
    Requirement {
        id: "P70",
        level: Level::Should,
        sentence: "Logs the statement that denied.",
        checks: &[],
        by_eye: Some("look for the denials of this run in its log"),
    },
];

async fn serves_clients(laboratory: &Laboratory) -> Finding {
    if laboratory.target.client.is_none() {
        return Err(Miss::needs("--client-certificate"));
    }
    success(&health_by(laboratory, |_| ()).await?)?;
    PASSED
}

async fn refuses_nobody(laboratory: &Laboratory) -> Finding {
    if laboratory.target.client.is_none() {
        return Err(Miss::needs("--client-certificate"));
    }
    no_connection(laboratory, None).await?;
    PASSED
}

async fn refuses_clients(laboratory: &Laboratory) -> Finding {
    let clients = &laboratory.target.refused_clients;
    if clients.is_empty() {
        return Err(Miss::needs("--refused-client"));
    }
    let mut cases = Cases::default();
    for (name, client) in clients {
        cases.note(name, no_connection(laboratory, Some(client)).await)?;
    }
    cases.finding()
}

/// In TLS 1.3 a client has shaken hands before it is refused: what counts is that no request is answered.
async fn no_connection(laboratory: &Laboratory, client: Option<&Identity>) -> Result<(), Miss> {
    let hello = Hello { client, ..Hello::usual(&laboratory.target) };
    let Ok(mut connection) = laboratory.connect_by(&hello).await else { return Ok(()) };
    let mut request = health_request(laboratory).await?;
    laboratory.signer().sign(&mut request);
    match connection.ask(&request).await {
        Err(_) => Ok(()),
        Ok(answer) => Err(Miss::failed("the end of the handshake", excerpt(&answer))),
    }
}

async fn keeps_secrets_apart(laboratory: &Laboratory) -> Finding {
    let first = &laboratory.target.store.credential;
    let Some(second) = &laboratory.target.second_credential else {
        return Err(Miss::needs("--second-access-key-id"));
    };
    let mixed = [(&first.access_key_id, &second.secret), (&second.access_key_id, &first.secret)];
    for (id, secret) in mixed {
        let credential = Credential::new(id, secret);
        refused(&health_by(laboratory, |signer| signer.credential = &credential).await?, &REFUSED)?;
    }
    PASSED
}

async fn keeps_stores_apart(laboratory: &Laboratory) -> Finding {
    let target = &laboratory.target;
    let Some((other, _)) = &target.other_store else {
        return Err(Miss::needs("--other-store"));
    };
    let body = laboratory.good_body(Operation::GetHealthStatus).await?;
    let crossed = [(&other.credential, &target.store), (&target.store.credential, other)];
    for (credential, store) in crossed {
        let signer = Signer::new(credential, &target.region);
        let request = laboratory.signed_by(&signer, store, Operation::GetHealthStatus, "", &body);
        refused(&laboratory.send(&request).await?, &REFUSED)?;
    }
    PASSED
}

async fn has_good_credentials(laboratory: &Laboratory) -> Finding {
    let target = &laboratory.target;
    for credential in
        [Some(&target.store.credential), target.second_credential.as_ref()].into_iter().flatten()
    {
        let (id, secret) = (&credential.access_key_id, credential.secret.as_str());
        let right =
            (20..=30).contains(&id.len()) && id.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'));
        ensure(right, "20 to 30 of A-Z 2-7", || format!("access key id {id}"))?;
        let right = (43..=64).contains(&secret.len())
            && secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/+=".contains(&byte));
        ensure(right, "43 to 64 of a-z A-Z 0-9 / + =", || {
            format!("a secret of {} characters", secret.len())
        })?;
    }
    PASSED
}

async fn accepts_two(laboratory: &Laboratory) -> Finding {
    let Some(second) = &laboratory.target.second_credential else {
        return Err(Miss::needs("--second-access-key-id"));
    };
    success(&health_by(laboratory, |signer| signer.credential = second).await?)?;
    success(&health_by(laboratory, |_| ()).await?)?;
    PASSED
}

async fn denies(laboratory: &Laboratory) -> Finding {
    let Some(principal) = &laboratory.target.denied_principal else {
        return Err(Miss::needs("--denied-principal"));
    };
    let mut cases = Cases::default();
    for operation in [Operation::Decrypt, Operation::Encrypt] {
        let denied = [("requestMetadata.awsPrincipalArn", Some(principal.as_str().into()))];
        let answer = laboratory.ask_edited(operation, &denied).await?;
        cases.note(operation.as_str(), refused(&answer, &[ErrorName::AccessDenied]))?;
    }
    cases.finding()
}
