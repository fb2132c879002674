//! No document may make its reader panic, and none may be believed that the root's own did not sign.
#![no_main]

use attestation::Roots;
use libfuzzer_sys::fuzz_target;
use std::time::Duration;

fuzz_target!(|document: &[u8]| {
    let Ok(roots) = Roots::from_pem(ROOT.as_bytes()) else { return };
    let verified = roots.verify(document, NOW);
    let is_seed = SIGNED.contains(&document);
    let Ok(attested) = verified else {
        assert!(!is_seed, "what is signed is not believed");
        return;
    };
    let is_signed = |payload: &[u8]| document.windows(payload.len()).any(|window| window == payload);
    assert!(SIGNED.into_iter().filter_map(payload).any(is_signed), "a signature was guessed");
    assert!(attested.pcrs.iter().chain(attested.nitro_tpm_pcrs.iter()).all(|(number, _)| number < 32));
});

/// What was signed of a seed: all but the head and the signature.
fn payload(seed: &'static [u8]) -> Option<&'static [u8]> {
    seed.get(HEAD..seed.len().checked_sub(SIGNATURE)?)
}

const HEAD: usize = 11;
const SIGNATURE: usize = 98;

/// When the documents of the seeds are good.
const NOW: Duration = Duration::from_secs(1_790_000_000);

/// All that was ever signed under the root; the private keys are gone.
const SIGNED: [&[u8]; 3] = [
    include_bytes!("../seeds/attestation_document/enclave"),
    include_bytes!("../seeds/attestation_document/indefinite"),
    include_bytes!("../seeds/attestation_document/tpm"),
];

const ROOT: &str = "\
-----BEGIN CERTIFICATE-----
MIIBcDCB9qADAgECAhQocVos4C7xoHfgwzWdpDZ86iu5rDAKBggqhkjOPQQDAzAP
MQ0wCwYDVQQDDARyb290MB4XDTI2MDkyMDE0MTMyMFoXDTI2MDkyMjE0MTMyMFow
DzENMAsGA1UEAwwEcm9vdDB2MBAGByqGSM49AgEGBSuBBAAiA2IABJi3gHEMNSc/
xSrIckZ1XF5t10hvPE9wiwWNsL6uXpp8UAAY4xsSmMPnCoytX3MAipM2Q8lMAQmU
UuXeSUplUXGFwofFUYykZ+KUZ+m+o5772LYhpYkdw6T8dhjjwegwtKMTMBEwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAwNpADBmAjEAyUcOmbmiz34peY0dvZJ0
PM3NCqNKzja7OkN4bdrNx03TWm8MkYwyWjBb0PdjSlStAjEAjWGvdBAOo1Oxtnut
e6QYFemIcxwUpl+XBB8I/wZavCrPATioV2rq+Jx0RzRzqi3P
-----END CERTIFICATE-----";
