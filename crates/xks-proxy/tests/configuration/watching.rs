//! What a running proxy takes of a changed configuration.

use crate::folder::{CONFIGURATION, Folder, GOOD};
use std::os::unix::fs::symlink;
use std::time::Duration;
use tokio::time::timeout;
use xks_proxy::config::Config;
use xks_proxy::config::watch::Watch;

#[test]
fn a_broken_configuration_is_kept_out_and_a_good_one_taken() {
    on_a_runtime(async {
        let (folder, mut watch) = watched();
        folder.write(CONFIGURATION, &GOOD.replace("/payments", "payments"));
        let kept_out = watch.read().unwrap_err().to_string();
        assert!(kept_out.contains("proxy.toml:18:15: `path_prefix` begins with a slash"), "{kept_out}");
        folder.write(CONFIGURATION, &GOOD.replace("/payments", "/pay"));
        assert_eq!(watch.read().unwrap().stores[0].path_prefix, "/pay");
    });
}

#[test]
fn what_cannot_change_while_the_proxy_runs_is_kept_out_by_name() {
    on_a_runtime(async {
        let (folder, mut watch) = watched();
        let changed = GOOD
            .replace("127.0.0.1:8443", "127.0.0.1:8444")
            .replace("data = \"data\"", "data = \"other\"\nmetrics = \"127.0.0.1:9465\"\nworkers = 3")
            .replace("1048576", "2097152")
            .replace("[audit]", "[log]\nfilter = \"debug\"\n[audit]")
            .replace("file = \"keys\"", "file = \"others\"");
        folder.write(CONFIGURATION, &changed);
        assert_eq!(
            watch.read().unwrap_err().to_string(),
            "`listen`, `metrics`, `workers`, `data`, `log`, `audit`, `key_manager` cannot be changed while the proxy runs: restart it"
        );
    });
}

#[test]
fn a_file_that_is_named_in_the_configuration_is_seen_to_change() {
    on_a_runtime(async {
        for name in ["one.secret", "policy.json", "certificate.pem", CONFIGURATION] {
            let (folder, mut watch) = watched();
            match name {
                "one.secret" => folder.write(name, "anotherSecretOfTheTests+of/43to64characters"),
                "certificate.pem" => folder.certificate(name, "private-key.pem"),
                name => {
                    folder.write(name, &format!("{}\n", std::fs::read_to_string(folder.path(name)).unwrap()))
                }
            }
            changed(&mut watch).await;
        }
    });
}

#[test]
fn secrets_that_are_swapped_by_a_link_are_seen_to_change() {
    on_a_runtime(async {
        let folder = Folder::new();
        folder.write("first/one", "theFirstSecretOfTheTests+of/43to64characters");
        folder.write("second/one", "anotherSecretOfTheTests+of/43to64characters");
        symlink("first", folder.path("at-work")).unwrap();
        let text = GOOD.replace("one.secret", "at-work/one");
        let mut watch = watch(&folder, &text);
        symlink("second", folder.path("next")).unwrap();
        std::fs::rename(folder.path("next"), folder.path("at-work")).unwrap();
        let config = changed(&mut watch).await;
        assert_eq!(
            config.stores[0].credentials[0].secret.expose(),
            "anotherSecretOfTheTests+of/43to64characters"
        );
    });
}

#[test]
fn what_was_kept_out_is_read_again_when_the_file_that_it_lacked_is_there() {
    on_a_runtime(async {
        let (folder, mut watch) = watched();
        folder.write(CONFIGURATION, &GOOD.replace("one.secret", "new.secret"));
        watch.read().unwrap_err();
        folder.write("new.secret", "aNewSecretOfTheTests+of/43to64characters+++");
        folder.mode("new.secret", 0o644);
        watch.read().unwrap_err();
        folder.mode("new.secret", 0o600);
        changed(&mut watch).await;
    });
}

#[test]
fn a_hangup_is_a_reason_to_read_though_no_file_changed() {
    on_a_runtime(async {
        let (_folder, mut watch) = watched();
        let own = rustix::process::getpid();
        rustix::process::kill_process(own, rustix::process::Signal::HUP).unwrap();
        changed(&mut watch).await;
    });
}

#[test]
fn without_a_change_nothing_is_read() {
    on_a_runtime(async {
        let (_folder, mut watch) = watched();
        timeout(Duration::from_secs(4), watch.changed()).await.unwrap_err();
    });
}

fn watched() -> (Folder, Watch) {
    let folder = Folder::new();
    let watch = watch(&folder, GOOD);
    (folder, watch)
}

fn watch(folder: &Folder, text: &str) -> Watch {
    let config = folder.read(text).unwrap();
    Watch::new(&folder.path(CONFIGURATION), &config).unwrap()
}

async fn changed(watch: &mut Watch) -> Config {
    timeout(Duration::from_secs(60), watch.changed()).await.unwrap().unwrap()
}

fn on_a_runtime(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}
