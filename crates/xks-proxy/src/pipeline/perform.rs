//! What is asked of a key manager, and what is made of its answer. One deadline for all of it.
//!
//! Nothing a key manager says is passed on unseen: lengths are as the API has them, and where KMS asks for the integrity value of a
//! ciphertext, exactly what will be answered is decrypted again first.

use super::Means;
use super::allow::Allowed;
use super::parse::Request;
use crate::health::Seen;
use crate::refusal::Refusal;
use crate::state::State;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use bytes::Bytes;
use key_manager::{Encrypted, ExternalKeyId, Member, Sealed, Session, Trouble};
use serde::Serialize;
use std::rc::Rc;
use std::time::{Duration, Instant};
use xks_api::{
    DecryptRequest, EncryptAnswer, EncryptRequest, ErrorName, FleetMember, HealthAnswer, IV_LENGTHS,
    KeyMetadataAnswer, MOST_CIPHERTEXT_METADATA, Operation, decrypted, integrity_value,
};

/// What a call came to.
pub(super) struct Performed {
    pub(super) body: Bytes,
    pub(super) key_version: Option<String>,
    pub(super) member: Option<Rc<str>>,
}

impl Means {
    /// Asks the key manager of the store.
    pub(super) async fn ask(&self, allowed: &Allowed<'_>, state: &State) -> Result<Performed, Refusal> {
        let key_manager = allowed.store().key_manager;
        let (Some(session), Some(name)) =
            (self.sessions.get(key_manager), state.key_managers.get(key_manager))
        else {
            return Err(Refusal::new(ErrorName::Internal, "the store has no key manager"));
        };
        let (operation, key) = match (allowed.request(), allowed.key()) {
            (Request::GetHealthStatus(_), _) => return Ok(health(&self.shared.seen, key_manager, state)),
            (_, None) => return Err(Refusal::new(ErrorName::Validation, "no key is named")),
            (request, Some(key)) => (operation(request), key),
        };
        let begun = Instant::now();
        let work = ask(&**session, key, allowed.request(), state.is_verified_always);
        let done = within(state.key_manager_timeout, work).await;
        self.shared.metrics.key_manager_took(name, operation, begun.elapsed());
        done
    }
}

/// What a key manager goes on doing after that is nobody's any more.
async fn within(
    timeout: Duration,
    work: impl Future<Output = Result<Performed, Refusal>>,
) -> Result<Performed, Refusal> {
    tokio::time::timeout(timeout, work).await.unwrap_or_else(|_| Err(Trouble::TimedOut.into()))
}

const fn operation(request: &Request<'_>) -> Operation {
    match request {
        Request::Decrypt(_) => Operation::Decrypt,
        Request::Encrypt(_) => Operation::Encrypt,
        Request::GetHealthStatus(_) => Operation::GetHealthStatus,
        Request::GetKeyMetadata(_) => Operation::GetKeyMetadata,
    }
}

async fn ask(
    session: &dyn Session,
    key: ExternalKeyId<'_>,
    request: &Request<'_>,
    is_verified_always: bool,
) -> Result<Performed, Refusal> {
    match request {
        Request::Decrypt(request) => decrypt(session, key, request).await,
        Request::Encrypt(request) => encrypt(session, key, request, is_verified_always).await,
        Request::GetHealthStatus(_) | Request::GetKeyMetadata(_) => describe(session, key).await,
    }
}

async fn describe(session: &dyn Session, key: ExternalKeyId<'_>) -> Result<Performed, Refusal> {
    let description = session.describe(key).await?;
    //= xks §3.1: at most ten uses
    let usage = description.usage.get(..MOST_USES).unwrap_or(&description.usage);
    let key_status = if description.is_enabled { "ENABLED" } else { "DISABLED" };
    json(&KeyMetadataAnswer { key_spec: &description.spec, key_usage: usage, key_status })
}

async fn encrypt(
    session: &dyn Session,
    key: ExternalKeyId<'_>,
    request: &EncryptRequest<'_>,
    is_verified_always: bool,
) -> Result<Performed, Refusal> {
    let data = &request.additional_data;
    let encrypted = session.encrypt(key, &request.plaintext, data).await?;
    is_in_shape(&encrypted, request.plaintext.len())?;
    let Encrypted { ciphertext, iv, tag, metadata, .. } = &encrypted;
    //= xks §4: the value first, then the ciphertext that it is the value of is decrypted again
    let value = request.wants_integrity_value.then(|| integrity_value(data, metadata, iv, ciphertext, tag));
    if value.is_some() || is_verified_always {
        opens_again(session, key, &encrypted, request).await?;
    }
    let answer = EncryptAnswer {
        ciphertext,
        initialization_vector: iv,
        authentication_tag: tag,
        ciphertext_metadata: metadata,
        ciphertext_data_integrity_value: value,
    };
    let body = answer.json();
    Ok(Performed { body, key_version: encrypted.key_version, member: Some(encrypted.member) })
}

async fn opens_again(
    session: &dyn Session,
    key: ExternalKeyId<'_>,
    encrypted: &Encrypted,
    request: &EncryptRequest<'_>,
) -> Result<(), Refusal> {
    let Encrypted { ciphertext, iv, tag, metadata, .. } = encrypted;
    let sealed = Sealed { ciphertext, iv, tag, metadata };
    match session.decrypt(key, sealed, &request.additional_data).await {
        Ok(opened) if verify_slices_are_equal(&opened.plaintext, &request.plaintext).is_ok() => Ok(()),
        Ok(_) | Err(Trouble::InvalidCiphertext) => {
            Err(corrupted("what was encrypted does not open again to the same"))
        }
        Err(trouble) => Err(trouble.into()),
    }
}

async fn decrypt(
    session: &dyn Session,
    key: ExternalKeyId<'_>,
    request: &DecryptRequest<'_>,
) -> Result<Performed, Refusal> {
    let DecryptRequest { ciphertext, iv, tag, ciphertext_metadata: metadata, .. } = request;
    let opened =
        session.decrypt(key, Sealed { ciphertext, iv, tag, metadata }, &request.additional_data).await?;
    if opened.plaintext.len() != ciphertext.len() {
        return Err(corrupted("a plaintext is not as long as its ciphertext"));
    }
    Ok(Performed {
        body: decrypted(&opened.plaintext),
        key_version: opened.key_version,
        member: Some(opened.member),
    })
}

/// Whether the API allows it to be answered.
fn is_in_shape(encrypted: &Encrypted, plaintext: usize) -> Result<(), Refusal> {
    if encrypted.ciphertext.len() != plaintext {
        return Err(corrupted("a ciphertext is not as long as its plaintext"));
    }
    if !IV_LENGTHS.contains(&encrypted.iv.len()) {
        return Err(corrupted("an initialisation vector does not have 12 or 16 bytes"));
    }
    if encrypted.metadata.len() > MOST_CIPHERTEXT_METADATA {
        return Err(corrupted("the metadata of a ciphertext has more than 20 bytes"));
    }
    Ok(())
}

fn corrupted(cause: &'static str) -> Refusal {
    Refusal::new(ErrorName::Internal, "the key manager's answer is wrong; nothing of it is passed on")
        .because(cause)
}

fn health(seen: &Seen, key_manager: usize, state: &State) -> Performed {
    let health = seen.at(key_manager, Instant::now());
    let answer = HealthAnswer {
        xks_proxy_fleet_size: state.fleet_size,
        xks_proxy_vendor: VENDOR,
        xks_proxy_model: MODEL,
        ekm_vendor: &health.vendor,
        //= xks §3.4: 1 to 10
        ekm_fleet_details: health.members.iter().take(MOST_MEMBERS).map(fleet_member).collect(),
    };
    Performed { body: text(&answer).into(), key_version: None, member: None }
}

fn fleet_member(member: &Member) -> FleetMember<'_> {
    let Member { id, model, status } = member;
    FleetMember { id, model, health_status: *status }
}

fn json(answer: &impl Serialize) -> Result<Performed, Refusal> {
    Ok(Performed { body: text(answer).into(), key_version: None, member: None })
}

fn text(answer: &impl Serialize) -> Vec<u8> {
    // INVARIANT: names, numbers and Base64 are always JSON.
    serde_json::to_vec(answer).unwrap_or_default()
}

const MOST_MEMBERS: usize = 10;
const MOST_USES: usize = 10;
const VENDOR: &str = "Cardea";
const MODEL: &str = concat!("cardea-xks-proxy ", env!("CARGO_PKG_VERSION"));

#[cfg(test)]
mod tests {
    use super::*;
    use key_manager::{Decrypted, Health, KeyDescription, Work};
    use serde_json::{Value, json};
    use std::cell::Cell;
    use xks_api::Limits;
    use zeroize::Zeroizing;

    /// Encrypts by turning bits over, and is faulty in one way.
    #[derive(Default)]
    struct Faulty {
        decrypts_to: Option<Vec<u8>>,
        trouble: Option<Trouble>,
        iv: usize,
        metadata: usize,
        longer: usize,
        decryptions: Cell<u32>,
    }

    impl Session for Faulty {
        fn describe<'a>(&'a self, _: ExternalKeyId<'a>) -> Work<'a, Result<KeyDescription, Trouble>> {
            let usage = (0..12).map(|number| format!("USE_{number}")).collect();
            Box::pin(async { Ok(KeyDescription { spec: "AES_256".to_owned(), usage, is_enabled: true }) })
        }

        fn encrypt<'a>(
            &'a self,
            _: ExternalKeyId<'a>,
            plaintext: &'a [u8],
            _: &'a [u8],
        ) -> Work<'a, Result<Encrypted, Trouble>> {
            let ciphertext = plaintext.iter().map(|byte| !byte).chain(vec![0; self.longer]).collect();
            let (iv, metadata) = (vec![0; self.iv], vec![1; self.metadata]);
            let member = "one".into();
            Box::pin(async {
                Ok(Encrypted { ciphertext, iv, tag: [0; 16], metadata, key_version: None, member })
            })
        }

        fn decrypt<'a>(
            &'a self,
            _: ExternalKeyId<'a>,
            sealed: Sealed<'a>,
            _: &'a [u8],
        ) -> Work<'a, Result<Decrypted, Trouble>> {
            self.decryptions.set(self.decryptions.get() + 1);
            let opened = sealed.ciphertext.iter().map(|byte| !byte).collect();
            let plaintext = Zeroizing::new(self.decrypts_to.clone().unwrap_or(opened));
            let answer = Decrypted { plaintext, key_version: None, member: "one".into() };
            let answer = self.trouble.clone().map_or(Ok(answer), Err);
            Box::pin(async { answer })
        }

        fn health(&self) -> Work<'_, Health> {
            Box::pin(std::future::pending())
        }
    }

    fn good() -> Faulty {
        Faulty { iv: 12, metadata: 20, ..Faulty::default() }
    }

    fn encrypted(session: &Faulty, wants_value: bool, always: bool) -> Result<Value, Refusal> {
        let metadata =
            json!({"awsPrincipalArn": "a", "kmsKeyArn": "k", "kmsOperation": "Encrypt", "kmsRequestId": "r"});
        let mut body =
            json!({"requestMetadata": metadata, "plaintext": "AAEC", "encryptionAlgorithm": "AES_GCM"});
        if wants_value {
            body["ciphertextDataIntegrityValueAlgorithm"] = "SHA_256".into();
        }
        let body = body.to_string();
        let limits = Limits { plaintext: 4300, additional_data: 8192 };
        let request = EncryptRequest::parse(body.as_bytes(), limits).unwrap();
        let key = ExternalKeyId::new("key").unwrap();
        let work = encrypt(session, key, &request, always);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(work).map(|done| serde_json::from_slice(&done.body).unwrap())
    }

    #[test]
    fn what_does_not_open_again_to_the_same_is_not_answered() {
        let other = Faulty { decrypts_to: Some(vec![0, 1, 3]), ..good() };
        let shorter = Faulty { decrypts_to: Some(vec![0, 1]), ..good() };
        let broken = Faulty { trouble: Some(Trouble::InvalidCiphertext), ..good() };
        for faulty in [other, shorter, broken] {
            let refusal = encrypted(&faulty, true, false).unwrap_err();
            assert_eq!(refusal.error, ErrorName::Internal);
            assert!(refusal.cause.is_some());
            assert_eq!(encrypted(&faulty, false, true).unwrap_err().error, ErrorName::Internal, "always");
        }
    }

    #[test]
    fn what_keeps_it_from_being_opened_again_is_told_as_it_is() {
        for (trouble, error) in [
            (Trouble::TimedOut, ErrorName::DependencyTimeout),
            (Trouble::InvalidKeyUsage, ErrorName::InvalidKeyUsage),
        ] {
            let faulty = Faulty { trouble: Some(trouble), ..good() };
            assert_eq!(encrypted(&faulty, true, false).unwrap_err().error, error);
        }
    }

    #[test]
    fn it_is_opened_again_where_the_value_is_asked_for_and_everywhere_if_that_is_wanted() {
        for (wants_value, always, decryptions) in
            [(false, false, 0), (true, false, 1), (false, true, 1), (true, true, 1)]
        {
            let session = good();
            let answer = encrypted(&session, wants_value, always).unwrap();
            assert_eq!(session.decryptions.get(), decryptions);
            assert_eq!(answer.get("ciphertextDataIntegrityValue").is_some(), wants_value);
        }
    }

    #[test]
    fn nothing_that_the_api_does_not_allow_is_passed_on() {
        for faulty in [
            Faulty { iv: 13, ..good() },
            Faulty { iv: 0, ..good() },
            Faulty { metadata: 21, ..good() },
            Faulty { longer: 16, ..good() },
        ] {
            assert_eq!(encrypted(&faulty, false, false).unwrap_err().error, ErrorName::Internal);
        }
        assert!(encrypted(&Faulty { iv: 16, ..good() }, false, false).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_manager_that_hangs_is_given_up() {
        let hung = within(Duration::from_millis(200), std::future::pending()).await;
        assert_eq!(hung.err().map(|refusal| refusal.error), Some(ErrorName::DependencyTimeout));
    }

    #[test]
    fn of_more_than_ten_uses_ten_are_told() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let session = good();
        let done = runtime.block_on(describe(&session, ExternalKeyId::new("key").unwrap())).unwrap();
        let answer: Value = serde_json::from_slice(&done.body).unwrap();
        assert_eq!(answer["keyUsage"].as_array().unwrap().len(), 10);
    }
}
