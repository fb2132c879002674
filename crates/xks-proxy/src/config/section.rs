//! A table of the configuration's text, and where in the text each of its values is.

use super::reading::{Place, Reading};
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

/// A table of the configuration's text.
pub(super) struct Section<'a> {
    place: Place,
    table: DeTable<'a>,
}

impl<'a> Section<'a> {
    /// The whole text; `None` once everything in it that is not TOML is told.
    pub(super) fn whole(text: &'a str, reading: &Reading<'_>) -> Option<Self> {
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            reading.wrong(error.span().unwrap_or_default(), error.message());
        }
        errors.is_empty().then(|| Self { place: 0..0, table: table.into_inner() })
    }

    /// Where it begins.
    pub(super) fn place(&self) -> Place {
        self.place.clone()
    }

    /// Whether it has a field of that name.
    pub(super) fn has(&self, field: &str) -> bool {
        self.table.contains_key(field)
    }

    /// Where the value of a field is; where the table begins if it has no such field.
    pub(super) fn at(&self, field: &str) -> Place {
        self.table.get(field).map_or_else(|| self.place(), Spanned::span)
    }

    /// Where the name of a key of a table in it is.
    pub(super) fn at_key(&self, field: &str, key: &str) -> Place {
        let inner = self.table.get(field).and_then(|inner| inner.get_ref().as_table());
        let name = inner.and_then(|inner| inner.get_key_value(key)).map(|(name, _)| name.span());
        name.unwrap_or_else(|| self.at(field))
    }

    /// Where an element of an array in it is.
    pub(super) fn at_element(&self, field: &str, index: usize) -> Place {
        let array = self.table.get(field).and_then(|array| array.get_ref().as_array());
        array.and_then(|array| array.get(index)).map_or_else(|| self.at(field), Spanned::span)
    }

    /// The table of that name. That it is none is told.
    pub(super) fn section(&self, name: &str, reading: &Reading<'_>) -> Option<Self> {
        let value = self.table.get(name)?;
        let section = Self::of(value);
        if section.is_none() {
            reading.wrong(value.span(), format!("`{name}` is a table: write it below `[{name}]`"));
        }
        section
    }

    /// The tables of that name. What is none is told.
    pub(super) fn sections(&self, name: &str, reading: &Reading<'_>) -> Vec<Self> {
        let Some(value) = self.table.get(name) else { return Vec::new() };
        let elements = match value.get_ref().as_array() {
            Some(array) => array.iter().collect(),
            None => vec![value],
        };
        let is_array = value.get_ref().is_array();
        let section = |element: &Spanned<DeValue<'a>>| {
            let section = Self::of(element).filter(|_| is_array);
            if section.is_none() {
                let message = format!("`{name}` is an array of tables: write each below `[[{name}]]`");
                reading.wrong(element.span(), message);
            }
            section
        };
        elements.into_iter().filter_map(section).collect()
    }

    /// This table without those fields.
    pub(super) fn without(&self, fields: &[&str]) -> Self {
        let mut table = self.table.clone();
        for field in fields {
            table.remove(*field);
        }
        Self { place: self.place(), table }
    }

    /// The fields of the table of that name, checked; the defaults if there is none.
    pub(super) fn or_default<T: Default + for<'de> Deserialize<'de>>(
        &self,
        name: &str,
        reading: &Reading<'_>,
        check: impl FnOnce(&T, &Self, &Reading<'_>),
    ) -> Option<T> {
        if !self.has(name) {
            return Some(T::default());
        }
        let section = self.section(name, reading)?;
        let fields = section.fields(reading)?;
        check(&fields, &section, reading);
        Some(fields)
    }

    /// Its fields; `None` once every one of them that is wrong is told.
    pub(super) fn fields<T: for<'de> Deserialize<'de>>(&self, reading: &Reading<'_>) -> Option<T> {
        let mut rest = self.without(&[]);
        let mut taken: Vec<String> = Vec::new();
        loop {
            let value = Spanned::new(rest.place(), DeValue::Table(rest.table.clone()));
            let error = match T::deserialize(ValueDeserializer::from(value)) {
                Ok(fields) => return taken.is_empty().then_some(fields),
                Err(error) => error,
            };
            let message = without_values(error.message());
            // What is wrong with the table as a whole is no field's fault.
            let place = error.span().filter(|place| *place != self.place);
            let culprit = place.and_then(|place| rest.field_at(&place));
            if taken.iter().any(|taken| message == format!("missing field `{taken}`")) {
                return None;
            }
            reading
                .wrong(error.span().unwrap_or_else(|| self.place()), told_of(culprit.as_deref(), &message));
            let culprit = culprit?;
            rest.table.remove(culprit.as_str());
            taken.push(culprit);
        }
    }

    fn of(value: &Spanned<DeValue<'a>>) -> Option<Self> {
        let table = value.get_ref().as_table()?.clone();
        Some(Self { place: value.span(), table })
    }

    fn field_at(&self, place: &Place) -> Option<String> {
        let holds = |whole: Place| whole.start <= place.start && place.end <= whole.end;
        let field = self.table.iter().find(|(name, value)| holds(name.span()) || holds(value.span()));
        field.map(|(name, _)| name.get_ref().clone().into_owned())
    }
}

fn told_of(field: Option<&str>, message: &str) -> String {
    match field {
        Some(field) if !message.contains(&format!("`{field}`")) => format!("`{field}`: {message}"),
        _ => message.to_owned(),
    }
}

/// What serde says of a value of the wrong type without the value: it may be a secret that stands where it does not belong.
fn without_values(message: &str) -> String {
    let found = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    let Some(found) = found else { return message.to_owned() };
    let kind = found.split(['"', '`', ',']).next().unwrap_or_default().trim_end();
    match found.rsplit_once(", expected ") {
        Some((_, expected)) => format!("expected {expected}, found {kind}"),
        None => format!("found {kind}"),
    }
}
