//! The stand-in as a program, for black-box tests: it makes its own certificates, mounts Transit with the keys that are asked for, prints
//! one line when it is ready, and runs until it is killed. Keys are gone then.

use clap::Parser;
use stand_in_transit::Cluster;
use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A server that speaks the API of Vault's Transit engine, for tests.
#[derive(Parser)]
#[command(name = "stand-in-transit")]
struct Options {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where `ca.pem` and `token`, the root token, are written.
    #[arg(long)]
    dir: PathBuf,
    /// The name of a key that is there from the beginning.
    #[arg(long = "key", default_value = "health")]
    keys: Vec<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let cluster = Cluster::new()?;
    cluster.mount_transit("transit", &options.keys);
    std::fs::create_dir_all(&options.dir)?;
    std::fs::write(options.dir.join("ca.pem"), cluster.ca_pem())?;
    std::fs::write(options.dir.join("token"), Cluster::ROOT)?;
    let node = cluster.listen(options.listen)?;
    let mut output = std::io::stdout().lock();
    writeln!(output, "stand-in-transit ready {}", node.url())?;
    output.flush()?;
    loop {
        std::thread::park();
    }
}
