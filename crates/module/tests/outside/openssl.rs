//! The `openssl` command line: files in a directory, bytes in and out.

use keys::WrappingAlgorithm;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

pub struct OpenSsl {
    directory: TempDir,
}

impl OpenSsl {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// Runs it in the directory and gives what it wrote.
    pub fn run(&self, arguments: &str) -> Vec<u8> {
        let mut openssl = Command::new("openssl");
        let output =
            openssl.args(arguments.split_whitespace()).current_dir(&self.directory).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments}: {error}");
        output.stdout
    }

    pub fn write(&self, name: &str, content: &[u8]) {
        std::fs::write(self.path(name), content).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Makes a private key, PKCS#8 in DER.
    pub fn private_key(&self, arguments: &str) -> Vec<u8> {
        self.run(&format!("genpkey {arguments} -outform PEM -out made.pem"));
        self.run("pkcs8 -topk8 -nocrypt -in made.pem -outform DER")
    }

    /// The public key of a private one, as openssl computes it.
    pub fn public_key_of(&self, private_key: &[u8]) -> Vec<u8> {
        self.write("private.der", private_key);
        self.run("pkey -inform DER -in private.der -pubout -outform DER")
    }

    /// Encrypts key material as its owner does, as the pages on importing key material tell it.
    pub fn wrap(&self, algorithm: WrappingAlgorithm, public_key: &[u8], material: &[u8]) -> Vec<u8> {
        self.write("wrapping.der", public_key);
        match algorithm {
            WrappingAlgorithm::RsaesOaepSha1 => self.oaep("sha1", material),
            WrappingAlgorithm::RsaesOaepSha256 => self.oaep("sha256", material),
            WrappingAlgorithm::RsaAesKeyWrapSha1 => self.oaep_and_aes("sha1", material),
            WrappingAlgorithm::RsaAesKeyWrapSha256 => self.oaep_and_aes("sha256", material),
            _ => panic!("{algorithm:?}"),
        }
    }

    pub fn oaep(&self, hash: &str, material: &[u8]) -> Vec<u8> {
        self.write("material", material);
        self.run(&format!(
            "pkeyutl -encrypt -pubin -keyform DER -inkey wrapping.der -in material -pkeyopt rsa_padding_mode:oaep \
             -pkeyopt rsa_oaep_md:{hash} -pkeyopt rsa_mgf1_md:{hash}"
        ))
    }

    fn oaep_and_aes(&self, hash: &str, material: &[u8]) -> Vec<u8> {
        let aes_key = self.run("rand 32");
        [self.oaep(hash, &aes_key), self.key_wrap(&aes_key, material)].concat()
    }

    pub fn key_wrap(&self, aes_key: &[u8], material: &[u8]) -> Vec<u8> {
        self.write("material", material);
        let digits = aes_key.iter().fold(String::new(), |mut digits, byte| {
            write!(digits, "{byte:02x}").unwrap();
            digits
        });
        let bits = aes_key.len() * 8;
        self.run(&format!("enc -e -id-aes{bits}-wrap-pad -K {digits} -iv A65959A6 -in material"))
    }
}
