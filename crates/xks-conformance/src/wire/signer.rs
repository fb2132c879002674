//! Signature Version 4, read from its description alone, in which everything can be told wrong. It shares no code with what
//! verifies.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, Tag, sign};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use zeroize::Zeroizing;

use super::Request;
use crate::target::Credential;

/// Who signs, for what, and when. What a good signature says is the default of [`Signer::new`].
#[derive(Clone, Debug)]
pub(crate) struct Signer<'a> {
    pub(crate) credential: &'a Credential,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    pub(crate) terminator: &'a str,
    pub(crate) now: Timestamp,
    /// In lower case and in order.
    pub(crate) signed: &'a [&'a str],
    /// What stands for the body, when it is not its hash.
    pub(crate) payload: Option<&'a str>,
    /// Whether a query is signed as none.
    pub(crate) hides_query: bool,
}

impl<'a> Signer<'a> {
    pub(crate) fn new(credential: &'a Credential, region: &'a str) -> Self {
        Self {
            credential,
            region,
            service: "kms-xks-proxy",
            terminator: "aws4_request",
            now: Timestamp::now(),
            signed: &["host", "x-amz-date"],
            payload: None,
            hides_query: false,
        }
    }

    /// Sets `X-Amz-Date` and `Authorization`.
    pub(crate) fn sign(&self, request: &mut Request) {
        let date = self.now.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = date.get(..8).unwrap_or_default();
        request.set("X-Amz-Date", date.as_str());
        let scope = format!("{day}/{}/{}/{}", self.region, self.service, self.terminator);
        let hash = hex(digest(&SHA256, self.canonical(request).as_bytes()).as_ref());
        let signature = hex(self.key(day, &format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{hash}")).as_ref());
        let (id, signed) = (&self.credential.access_key_id, self.signed.join(";"));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={signed}, Signature={signature}"
        );
        request.set("Authorization", authorization);
    }

    fn canonical(&self, request: &Request) -> String {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let query = if self.hides_query { "" } else { query };
        let mut canonical = format!("{}\n{path}\n{query}\n", request.method);
        for name in self.signed {
            let value = request.header(name).unwrap_or_default();
            let value: Vec<&str> = value.split_ascii_whitespace().collect();
            canonical.push_str(&format!("{name}:{}\n", value.join(" ")));
        }
        let hash = hex(digest(&SHA256, &request.body).as_ref());
        let payload = self.payload.unwrap_or(&hash);
        format!("{canonical}\n{}\n{payload}", self.signed.join(";"))
    }

    fn key(&self, day: &str, text: &str) -> Tag {
        let start = Zeroizing::new(format!("AWS4{}", self.credential.secret.as_str()));
        let mut key = Key::new(HMAC_SHA256, start.as_bytes());
        for piece in [day, self.region, self.service, self.terminator] {
            key = Key::new(HMAC_SHA256, sign(&key, piece.as_bytes()).as_ref());
        }
        sign(&key, text.as_bytes())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::Signer;
    use crate::target::Credential;
    use crate::wire::Request;

    /// Captured on the wire from what calls AWS's sample proxy; its credential is known to everybody.
    #[test]
    fn a_captured_request_is_signed_as_it_was() {
        let credential =
            Credential::new("BETWEEN2TENAND3TENCHARACTERS", "PleaseReplaceThisWithSomeSecretOfLength43To64");
        let body = concat!(
            r#"{"requestMetadata":{"kmsRequestId":"7112f4d6-db54-4af4-ae30-c55a22a8dfae","#,
            r#""kmsOperation":"CreateCustomKeyStore"}}"#
        );
        let path = "/example/uri/path/prefix/kms/xks/v1/health".to_owned();
        let mut request = Request::new("POST", path, "localhost:18098".to_owned(), body.into());
        let now = "2026-11-21T19:24:32Z".parse().unwrap();
        Signer { now, ..Signer::new(&credential, "us-east-1") }.sign(&mut request);
        let authorization = request.header("authorization").unwrap();
        let signature = "efa6ad3159012eaffd3eafe12dc867a35681bd54d246c1c6662276e21b7d4229";
        assert!(authorization.ends_with(signature), "{authorization}");
    }
}
