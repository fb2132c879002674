//! Pages of lists as IAM has them: `Marker`, `MaxItems`, `IsTruncated`.

use super::entity::Entity;
use crate::operation::Failure;
use crate::pipeline::Scene;
use catalog::Stored;
use std::sync::Arc;
use wire::member::iam::{Marker, MaxItems};
use wire::{Fault, FaultKind};

/// A page of a list, and the marker of the next one if there is more.
#[derive(Debug)]
pub struct Part<T> {
    /// Its entries, in order.
    pub entries: Vec<T>,
    /// `Marker`.
    pub marker: Option<String>,
}

impl<T> Part<T> {
    /// `IsTruncated`.
    pub const fn is_truncated(&self) -> bool {
        self.marker.is_some()
    }
}

/// How many entries a page has.
pub fn most(asked: Option<MaxItems>) -> usize {
    usize::from(asked.map_or(DEFAULT, MaxItems::value))
}

/// The page of a list that is at hand as a whole. `list` names it in markers: those of another list are refused.
pub fn part<T>(
    list: &str,
    all: impl IntoIterator<Item = T>,
    marker: Option<&Marker>,
    max_items: Option<MaxItems>,
) -> Result<Part<T>, Fault> {
    let begin = match after(list, marker)? {
        Some(place) => place.parse().map_err(|_| invalid_marker())?,
        None => 0_usize,
    };
    let end = begin.saturating_add(most(max_items));
    let mut rest = all.into_iter().skip(begin);
    let entries: Vec<T> = rest.by_ref().take(most(max_items)).collect();
    let marker = rest.next().map(|_| format!("{list}:{end}"));
    Ok(Part { entries, marker })
}

/// The page of the records of a kind in the caller's account that are to be kept.
pub async fn records<T: Entity>(
    scene: &Scene<'_>,
    keep: impl Fn(&T) -> bool,
    marker: Option<&Marker>,
    max_items: Option<MaxItems>,
) -> Result<Part<Arc<Stored<T>>>, Failure> {
    let (account, most) = (scene.account(), most(max_items));
    let mut after = after(T::WORD, marker)?.map(str::to_owned);
    let mut entries: Vec<Arc<Stored<T>>> = Vec::new();
    loop {
        let page = scene.reader().list::<T>(&account, after.as_deref(), AT_ONCE).await?;
        for record in page.entries.into_iter().filter(|record| keep(record)) {
            if entries.len() == most {
                let last = entries.last().map(|last| last.name().to_ascii_lowercase());
                return Ok(Part { entries, marker: last.map(|last| format!("{}:{last}", T::WORD)) });
            }
            entries.push(record);
        }
        match page.next {
            Some(last) => after = Some(last),
            None => return Ok(Part { entries, marker: None }),
        }
    }
}

/// The page of a list that is at hand as a whole, in the order of its entries' places. A marker names the place of the last entry,
/// so that what is made or deleted meanwhile moves no other entry to another page.
pub fn keyed<T>(
    list: &str,
    mut all: Vec<T>,
    place: impl Fn(&T) -> String,
    marker: Option<&Marker>,
    max_items: Option<MaxItems>,
) -> Result<Part<T>, Fault> {
    let after = after(list, marker)?;
    all.retain(|entry| after.is_none_or(|after| place(entry).as_str() > after));
    all.sort_by_cached_key(&place);
    let is_truncated = all.len() > most(max_items);
    all.truncate(most(max_items));
    let marker = all.last().filter(|_| is_truncated).map(|last| format!("{list}:{}", place(last)));
    Ok(Part { entries: all, marker })
}

/// What a marker of that list says that comes before the page. A marker of another list is none.
pub fn after<'a>(list: &str, marker: Option<&'a Marker>) -> Result<Option<&'a str>, Fault> {
    let Some(marker) = marker else { return Ok(None) };
    let entry = marker.as_str().strip_prefix(list).and_then(|rest| rest.strip_prefix(':'));
    entry.filter(|entry| !entry.is_empty()).map(Some).ok_or_else(invalid_marker)
}

fn invalid_marker() -> Fault {
    Fault::new(FaultKind::Validation, "Invalid Marker.")
}

//= iam: MaxItems defaults to 100
const DEFAULT: u16 = 100;
const AT_ONCE: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use wire::Input as _;
    use wire::query::Form;

    wire::input! {
        /// What every list takes.
        pub struct Input {
            optional marker: Marker = "Marker",
            optional max_items: MaxItems = "MaxItems",
        }
    }

    fn page(form: &str) -> Result<Part<u32>, Fault> {
        let input = Input::parse_query(&Form::parse(form.as_bytes()).unwrap()).unwrap();
        part("numbers", 1..=5, input.marker.as_ref(), input.max_items)
    }

    #[test]
    fn pages_follow_each_other_and_the_last_one_has_no_marker() {
        let first = page("MaxItems=2").unwrap();
        assert_eq!((first.entries.clone(), first.marker.as_deref()), (vec![1, 2], Some("numbers:2")));
        assert_eq!(page("MaxItems=2&Marker=numbers:2").unwrap().entries, [3, 4]);
        for form in ["MaxItems=2&Marker=numbers:4", "MaxItems=1&Marker=numbers:4"] {
            let last = page(form).unwrap();
            assert_eq!((last.entries.clone(), last.is_truncated()), (vec![5], false));
        }
        assert_eq!(page("").unwrap().entries.len(), 5);
        assert!(page("Marker=numbers:9").unwrap().entries.is_empty());
    }

    #[test]
    fn a_page_by_places_begins_after_the_last_one_whatever_has_gone_since() {
        let page = |all: &[&'static str], form: &str| {
            let input = Input::parse_query(&Form::parse(form.as_bytes()).unwrap()).unwrap();
            let place = |entry: &&str| entry.to_lowercase();
            keyed("names", all.to_vec(), place, input.marker.as_ref(), input.max_items).unwrap()
        };
        let first = page(&["c", "B", "a", "d"], "MaxItems=2");
        assert_eq!((first.entries.clone(), first.marker.as_deref()), (vec!["a", "B"], Some("names:b")));
        let last = page(&["c", "d"], "MaxItems=2&Marker=names:b");
        assert_eq!((last.entries.clone(), last.marker), (vec!["c", "d"], None));
    }

    #[test]
    fn a_marker_of_another_list_is_refused() {
        for marker in ["letters:1", "numbers", "numbers:", "numbers:x", "numbers:-1"] {
            assert_eq!(
                page(&format!("Marker={marker}")).unwrap_err().message(),
                Some("Invalid Marker."),
                "{marker}"
            );
        }
    }
}
