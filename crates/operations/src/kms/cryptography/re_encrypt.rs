//! `ReEncrypt`: from one key to another, or to another context. The plaintext stays inside the security module.

use super::fit::{check_encrypts, too_large};
use super::{
    backing_that_made, canonical, check_ciphertext_given, check_context, check_is_of, check_key_given,
    encryption_facts, header, told_material,
};
use crate::Fact;
use crate::kms::custom_key_stores::Layer;
use crate::kms::{Backing, EventNames, record_context, record_text};
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission, Subject};
use crate::pipeline::{Authorized, Naming, Scene};
use audit::json::{Json, Object, object};
use keys::{EncryptionAlgorithm, KeyMaterialId, KeyStates};
use module_api::Refusal;
use module_client::{CallError, Closing, Opening};
use wire::arn::KeyArn;
use wire::member::{CiphertextBlob, DryRunModifiers, EncryptionContext, GrantTokens, KeyIdText};
use wire::{Blob, Fault};

/// The operation.
#[derive(Debug)]
pub struct ReEncrypt;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional ciphertext: CiphertextBlob = "CiphertextBlob",
        optional source_context: EncryptionContext = "SourceEncryptionContext",
        optional source_key_id: KeyIdText = "SourceKeyId",
        required destination_key_id: KeyIdText = "DestinationKeyId",
        optional destination_context: EncryptionContext = "DestinationEncryptionContext",
        optional source_algorithm: EncryptionAlgorithm = "SourceEncryptionAlgorithm",
        optional destination_algorithm: EncryptionAlgorithm = "DestinationEncryptionAlgorithm",
        optional grant_tokens: GrantTokens = "GrantTokens",
        optional dry_run: bool = "DryRun",
        optional dry_run_modifiers: DryRunModifiers = "DryRunModifiers",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required ciphertext: Blob = "CiphertextBlob",
        required source_key_id: KeyArn = "SourceKeyId",
        required key_id: KeyArn = "KeyId",
        required source_algorithm: EncryptionAlgorithm = "SourceEncryptionAlgorithm",
        required destination_algorithm: EncryptionAlgorithm = "DestinationEncryptionAlgorithm",
        optional source_material_id: KeyMaterialId = "SourceKeyMaterialId",
        optional destination_material_id: KeyMaterialId = "DestinationKeyMaterialId",
    }
}

/// The key that opens and the key that closes.
#[derive(Debug)]
pub struct TwoKeys {
    source: NamedKey,
    destination: NamedKey,
}

impl Subject for TwoKeys {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        [&self.source, &self.destination].into_iter()
    }
}

impl Operation for ReEncrypt {
    const NAME: &'static str = "ReEncrypt";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Enabled;
    type Input = Input;
    type Output = Answer;
    type Subject = TwoKeys;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("sourceEncryptionAlgorithm", input.source_algorithm().name());
        record_context(record, "sourceEncryptionContext", input.source_context.as_ref());
        record_text(record, "sourceKeyId", input.source_key_id.as_ref().map(KeyIdText::as_str));
        record.string("destinationKeyId", input.destination_key_id.as_str());
        record.string("destinationEncryptionAlgorithm", input.destination_algorithm().name());
        record_context(record, "destinationEncryptionContext", input.destination_context.as_ref());
    }

    fn examine(input: &Input) -> Result<(), Fault> {
        let (blob, modifiers) = (input.ciphertext.as_ref(), input.dry_run_modifiers.as_ref());
        check_ciphertext_given(blob, modifiers, Self::is_dry_run(input), input.source_key_id.as_ref())?;
        check_key_given(input.source_algorithm(), input.source_key_id.as_ref(), "SourceKeyId")?;
        check_context(input.source_context.as_ref())?;
        check_context(input.destination_context.as_ref())
    }

    fn facts<'a>(input: &'a Input, action: &str) -> Vec<Fact<'a>> {
        if action == FROM {
            encryption_facts(input.source_algorithm(), input.source_context.as_ref())
        } else {
            encryption_facts(input.destination_algorithm(), input.destination_context.as_ref())
        }
    }

    fn grant_tokens(input: &Input) -> Option<&GrantTokens> {
        input.grant_tokens.as_ref()
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<TwoKeys, Failure> {
        let mut source = match (&input.source_key_id, &input.ciphertext) {
            (Some(key_id), blob) => scene.locate_beside(key_id, blob.as_ref()).await?,
            (None, Some(blob)) => scene.locate_ciphertext(&header(blob)?),
            (None, None) => return Err(super::invalid_ciphertext().into()),
        };
        let mut destination = scene.locate(&input.destination_key_id, Naming::Any).await?;
        let is_both = Some(source.arn == destination.arn);
        (source.named.is_both, destination.named.is_both) = (is_both, is_both);
        let source = scene.key_at(source, FROM).await?;
        Ok(TwoKeys { source, destination: scene.key_at(destination, TO).await? })
    }

    fn permissions<'a>(_: &Input, subject: &'a TwoKeys) -> Vec<Permission<'a>> {
        vec![subject.source.permission(FROM), subject.destination.permission(TO)]
    }

    fn fit(input: &Input, subject: &TwoKeys) -> Result<(), Fault> {
        let TwoKeys { source, destination } = subject;
        let (from, to) = (input.source_algorithm(), input.destination_algorithm());
        check_is_of(input.ciphertext.as_ref(), from, source)?;
        check_encrypts(source, from, input.source_context.as_ref(), Self::NAME)?;
        check_encrypts(destination, to, input.destination_context.as_ref(), Self::NAME)
    }

    fn is_dry_run(input: &Input) -> bool {
        input.dry_run == Some(true)
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<TwoKeys>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let (source_algorithm, destination_algorithm) =
            (input.source_algorithm(), input.destination_algorithm());
        let source = backing_that_made(input.blob()?, source_algorithm, &subject.source)?;
        let destination = Backing::current(&subject.destination.key)?;
        let ciphertext = re_encrypted(input, (&source, &destination), subject, scene).await?;
        let answer = Answer {
            ciphertext: Blob(ciphertext),
            source_key_id: subject.source.arn.clone(),
            key_id: subject.destination.arn.clone(),
            source_algorithm,
            destination_algorithm,
            source_material_id: told_material(&source, source_algorithm),
            destination_material_id: told_material(&destination, destination_algorithm),
        };
        let additional = event_data(input, &source, &destination);
        Ok(Outcome { additional, ..Outcome::of(answer) })
    }
}

/// What the one backing key makes of what the other opens.
async fn re_encrypted(
    input: &Input,
    (source, destination): (&Backing<'_>, &Backing<'_>),
    subject: &Authorized<TwoKeys>,
    scene: &Scene<'_>,
) -> Result<Vec<u8>, Failure> {
    let contexts = [&input.source_context, &input.destination_context];
    let [source_context, destination_context] = contexts.map(|context| canonical(context.as_ref()));
    let layer = |named, backing, context| Layer { named, backing, context, operation: ReEncrypt::NAME };
    let on_source = layer(&subject.source, source, &source_context);
    let opened = scene.opened(subject, on_source, input.blob()?.as_bytes()).await?;
    let (blob, algorithm) = (opened.as_bytes(), input.source_algorithm());
    let from = Opening { key: source.key(), algorithm, context: &source_context, blob };
    let algorithm = input.destination_algorithm();
    let to = Closing { key: destination.key(), algorithm, context: &destination_context };
    let inner = scene.module(subject).re_encrypt(from, to).await.map_err(|error| match error {
        CallError::Refused(Refusal::TooLarge) => too_large(&subject.destination, algorithm).into(),
        error => opened.failure(error),
    })?;
    scene.sealed(subject, layer(&subject.destination, destination, &destination_context), inner).await
}

/// `additionalEventData`, of which asymmetric keys have none.
fn event_data(input: &Input, source: &Backing<'_>, destination: &Backing<'_>) -> Option<Json> {
    let is_told = |algorithm| algorithm == EncryptionAlgorithm::SymmetricDefault;
    let source = Some(source).filter(|_| is_told(input.source_algorithm()));
    let destination = Some(destination).filter(|_| is_told(input.destination_algorithm()));
    source.or(destination)?;
    Some(object(|data| {
        source.into_iter().for_each(|backing| backing.record(&SOURCE, data));
        destination.into_iter().for_each(|backing| backing.record(&DESTINATION, data));
    }))
}

impl Input {
    fn blob(&self) -> Result<&CiphertextBlob, Fault> {
        self.ciphertext.as_ref().ok_or_else(super::invalid_ciphertext)
    }

    fn source_algorithm(&self) -> EncryptionAlgorithm {
        self.source_algorithm.unwrap_or(EncryptionAlgorithm::SymmetricDefault)
    }

    fn destination_algorithm(&self) -> EncryptionAlgorithm {
        self.destination_algorithm.unwrap_or(EncryptionAlgorithm::SymmetricDefault)
    }
}

const FROM: &str = "kms:ReEncryptFrom";
const TO: &str = "kms:ReEncryptTo";

const SOURCE: EventNames = EventNames {
    material: "sourceKeyMaterialId",
    store: "sourceCustomKeyStoreId",
    external_key: "sourceXksKeyId",
    hsm_key: "sourceBackingKeyId",
};
const DESTINATION: EventNames = EventNames {
    material: "destinationKeyMaterialId",
    store: "destinationCustomKeyStoreId",
    external_key: "destinationXksKeyId",
    hsm_key: "destinationBackingKeyId",
};
