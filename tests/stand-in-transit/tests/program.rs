//! The stand-in as a program.

use bytes::Bytes;
use http::Request;
use https::{Client, Roots, Routes, Tls};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[tokio::test]
async fn it_says_where_it_is_and_serves_its_keys_to_who_has_its_token() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_stand-in-transit"));
    command.arg("--dir").arg(folder.path()).args(["--key", "one", "--key", "two"]);
    let mut program = Program(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(program.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim_end().strip_prefix("stand-in-transit ready ").unwrap();

    let mut roots = Roots::none();
    roots.add_pem(&fs::read(folder.path().join("ca.pem")).unwrap()).unwrap();
    let client = Client::new(Tls::new(roots, None).unwrap(), Routes::default(), None);
    let token = fs::read_to_string(folder.path().join("token")).unwrap();
    for (token, key, status) in
        [(&token, "one", 200), (&token, "two", 200), (&token, "three", 404), (&String::new(), "one", 403)]
    {
        let request = Request::get(format!("{url}/v1/transit/keys/{key}")).header("X-Vault-Token", token);
        let answer = client.send(&request.body(Bytes::new()).unwrap(), 4096).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{key}");
    }
}
