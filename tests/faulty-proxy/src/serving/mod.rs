//! Accepting connections and handing each to a task of its own.

mod connection;
mod half;

use std::net::TcpListener;
use std::sync::Arc;

use crate::state::State;

/// Serves for ever; ends when the socket is of no use.
pub(crate) async fn serve(listener: TcpListener, state: Arc<State>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let mut accepting = state.accepting.subscribe();
    while accepting.wait_for(|&on| on).await.is_ok() {
        tokio::select! {
            biased;
            _ = accepting.changed() => (),
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                tokio::spawn(connection::serve(stream, Arc::clone(&state)));
            },
        }
    }
}
