//! What the README has its readers type for a custom key store of either kind, as it stands there.

use crate::cluster::{Cluster, MEMBERS};
use crate::proxied::Proxied;
use crate::stories::environment;
use blackbox::{Server, SoftHsm};
use faulty_proxy::Credential;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn the_readmes_session_with_an_external_key_store_is_true() {
    let proxied = Proxied::new();
    let variables = [
        ("PROXY", proxied.proxy.endpoint()),
        ("ID", Credential::EXAMPLE_ID.to_owned()),
        ("SECRET", Credential::EXAMPLE_SECRET.to_owned()),
    ];
    let said = session(&proxied.server(), &blocks("sh")[0], &variables);
    assert!(said.contains("\"CONNECTED\"") && said.contains("CiphertextBlob"), "{said}");
}

#[test]
fn the_readmes_session_with_hsms_is_true() {
    let cluster = Cluster::new();
    let replaced = |text: &str| {
        let here = [
            ("/usr/lib/softhsm/libsofthsm2.so", SoftHsm::library()),
            ("/etc/softhsm/softhsm2.conf", cluster.tokens.configuration()),
            ("/etc/cardea/anchor.pem", cluster.trust_anchor()),
        ];
        here.iter().fold(text.to_owned(), |text, (there, here)| text.replace(there, here.to_str().unwrap()))
    };
    let configuration = replaced(&blocks("toml")[0]);
    assert!(configuration.contains(&format!("members = {MEMBERS:?}")), "{configuration}");
    let server = Server::builder().config(&configuration).start();
    let said = session(&server, &replaced(&blocks("sh")[1]), &[("PIN", SoftHsm::PIN.to_owned())]);
    assert!(said.contains("\"CONNECTED\"") && said.contains("CiphertextBlob"), "{said}");
}

/// Types the commands, with the command line set up as the README says.
#[track_caller]
fn session(server: &Server, commands: &str, variables: &[(&str, String)]) -> String {
    let directory = tempfile::Builder::new().prefix("readme-").tempdir().unwrap();
    let set_up = format!(". {}/root.env\n{NOT_FETCHED}\n", server.data().display());
    let path = std::env::var_os("PATH").unwrap();
    let path = [environment().join("bin")].into_iter().chain(std::env::split_paths(&path));
    let mut shell = Command::new("sh");
    shell.args(["-e", "-u", "-c", &(set_up + commands)]).current_dir(&directory).stdin(Stdio::null());
    shell.env_clear().env("PATH", std::env::join_paths(path).unwrap()).env("HOME", directory.path());
    let typed = shell.envs(variables.iter().map(|(name, value)| (name, value))).output().unwrap();
    let said = String::from_utf8_lossy(&typed.stdout).into_owned();
    assert!(typed.status.success(), "{said}\n{}\n{}", String::from_utf8_lossy(&typed.stderr), server.log());
    said
}

/// The blocks of that language in the README's section on custom key stores.
fn blocks(language: &str) -> Vec<String> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let (_, section) = readme.split_once("\n## Keys that you hold\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    assert!(section.contains(NOT_FETCHED));
    let begin = format!("```{language}\n");
    let begun = section.split(&begin).skip(1);
    begun.map(|block| block.split_once("```").unwrap().0.to_owned()).collect()
}

const NOT_FETCHED: &str = "aws configure set cli_follow_urlparam false";
