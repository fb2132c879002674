//! The metrics endpoint, as a collector reads it.

use crate::service::limits;
use http_server::MetricsEndpoint;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

#[tokio::test]
async fn a_collector_reads_what_was_counted_and_nothing_else_is_there() {
    let mut registry = Registry::default();
    let seen = Counter::<u64>::default();
    registry.register("seen", "What was seen", seen.clone());
    seen.inc_by(3);
    let endpoint = MetricsEndpoint::bind(SocketAddr::from(([127, 0, 0, 1], 0)), &limits()).unwrap();
    let address = endpoint.address();
    let registry = Arc::new(registry);
    let collector = async {
        let found = exchange(address, "GET /metrics").await;
        assert!(
            found.starts_with("HTTP/1.1 200 ") && found.contains("application/openmetrics-text"),
            "{found}"
        );
        assert!(found.contains("\nseen_total 3\n") && found.ends_with("# EOF\n"), "{found}");
        let refused = exchange(address, "POST /metrics").await;
        assert!(refused.starts_with("HTTP/1.1 405 ") && refused.contains("allow: GET, HEAD"), "{refused}");
        assert!(exchange(address, "GET /").await.starts_with("HTTP/1.1 404 "));
    };
    let both = async {
        tokio::select! {
            () = endpoint.serve_for_ever(registry) => {}
            () = collector => {}
        }
    };
    LocalSet::new().run_until(both).await;
}

async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = format!("{request} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer
}
