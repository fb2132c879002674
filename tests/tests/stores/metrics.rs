//! The metrics of custom key stores, as whoever collects them reads them.

use blackbox::Server;

/// The value of the one metric of that name that has all these labels; nothing if there is none. Two fail the test.
#[track_caller]
pub fn metric(server: &Server, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let text = server.collect_metrics();
    let has = |line: &str, (label, value): &(&str, &str)| {
        line.contains(&format!("{{{label}=\"{value}\"")) || line.contains(&format!(",{label}=\"{value}\""))
    };
    let of_name = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
    let mut found = text.lines().filter(of_name).filter(|line| labels.iter().all(|label| has(line, label)));
    let value = found.next()?.rsplit(' ').next().unwrap().parse().unwrap();
    assert_eq!(found.next(), None, "more than one {name} of {labels:?}");
    Some(value)
}
