//! Pages of lists: where the next one begins, said in a marker that only Cardea reads.

use wire::member::{Limit, Marker};
use wire::{Fault, FaultKind};

/// How many entries a page has: what the caller asks for, at most what the operation gives.
pub fn limit(asked: Option<Limit>, default: u16, most: u16) -> usize {
    usize::from(asked.map_or(default, Limit::value).min(most))
}

/// The marker of the page that begins after that entry.
pub fn marker(list: &str, last: Option<&str>) -> Option<String> {
    last.map(|last| format!("{list}:{last}"))
}

/// The entry after which the page of that marker begins. A marker of another list is none.
pub fn after<'a>(list: &str, marker: Option<&'a Marker>) -> Result<Option<&'a str>, Fault> {
    let Some(marker) = marker else { return Ok(None) };
    let entry = marker.as_str().strip_prefix(list).and_then(|rest| rest.strip_prefix(':'));
    entry.filter(|entry| !entry.is_empty()).map(Some).ok_or_else(invalid_marker)
}

/// The marker is not one that was given out.
pub fn invalid_marker() -> Fault {
    Fault::new(
        FaultKind::InvalidMarker,
        "The request was rejected because the marker that specifies where pagination should next begin is not valid.",
    )
}
