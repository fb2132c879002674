//! What depends on the time of asking: computed when it is read, from what is at work then.

use crate::credential::Credential;
use crate::health::Seen;
use crate::metrics::PREFIX;
use crate::state::State;
use audit::Appender;
use http_server::Current;
use jiff::Timestamp;
use key_manager::HealthStatus;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;
use std::fmt::Error;
use std::sync::Arc;
use std::time::Instant;

/// What is told when it is asked for.
#[derive(Debug)]
pub(crate) struct Gauges {
    pub(crate) state: Arc<Current<State>>,
    pub(crate) seen: Arc<Seen>,
    /// Says whether the journal takes records.
    pub(crate) journal: Arc<Appender>,
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let (state, now) = (self.state.now(), Timestamp::now().as_second());
        let journal = [(Vec::new(), i64::from(self.journal.healthy()))];
        family(&mut encoder, "journal_healthy", "Whether records can be kept", None, journal)?;
        let end = state.certificate_not_after.as_second();
        let certificate = [(Vec::new(), end.saturating_sub(now))];
        family(&mut encoder, "certificate_expiry", CERTIFICATE_EXPIRY, Some(&Unit::Seconds), certificate)?;
        let begun = |one: &Credential| one.not_before.unwrap_or(one.written).as_second();
        let ages = credentials(&state, |one| Some(now.saturating_sub(begun(one))));
        family(&mut encoder, "credential_age", CREDENTIAL_AGE, Some(&Unit::Seconds), ages)?;
        let ends = credentials(&state, |one| Some(one.not_after?.as_second().saturating_sub(now)));
        family(&mut encoder, "credential_expiry", CREDENTIAL_EXPIRY, Some(&Unit::Seconds), ends)?;
        family(&mut encoder, "key_manager_member_status", MEMBER_STATUS, None, self.members())
    }
}

type Row = (Vec<(&'static str, String)>, i64);

impl Gauges {
    /// A row a member and status, of which one is 1.
    fn members(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for (name, health) in self.seen.all(Instant::now()) {
            for member in &health.members {
                rows.extend(HealthStatus::ALL.map(|status| {
                    let [name, id] = [name.to_string(), member.id.clone()];
                    let status_name = status.as_str().to_owned();
                    let labels = vec![("key_manager", name), ("member", id), ("status", status_name)];
                    (labels, i64::from(member.status == status))
                }));
            }
        }
        rows
    }
}

fn credentials(state: &State, seconds: impl Fn(&Credential) -> Option<i64>) -> Vec<Row> {
    let mut rows = Vec::new();
    for store in state.stores.iter() {
        rows.extend(store.credentials().iter().filter_map(|one| {
            let id = one.access_key_id.clone();
            Some((vec![("store", store.prefix.to_string()), ("access_key_id", id)], seconds(one)?))
        }));
    }
    rows
}

fn family(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    rows: impl IntoIterator<Item = Row>,
) -> Result<(), Error> {
    let name = format!("{PREFIX}_{name}");
    let mut metric = encoder.encode_descriptor(&name, help, unit, MetricType::Gauge)?;
    rows.into_iter().try_for_each(|(labels, value)| {
        if labels.is_empty() {
            metric.encode_gauge(&value)
        } else {
            metric.encode_family(&labels)?.encode_gauge(&value)
        }
    })
}

const CERTIFICATE_EXPIRY: &str = "For how long the certificate that is shown is still good";
const CREDENTIAL_AGE: &str = "For how long a credential has been good, or since its secret was written";
const CREDENTIAL_EXPIRY: &str = "For how long a credential is still good; of those that say until when";
const MEMBER_STATUS: &str = "How the members of key managers are: 1 for the status that is so";
