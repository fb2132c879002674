//! Texts with policy variables: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`, `${*}`. What comes out of a variable is text, never
//! a wildcard.

use super::condition::Key;
use super::pattern::{Pattern, Token, tokens};
use crate::Facts;

/// A text of a policy's `Resource` or condition.
#[derive(Debug)]
pub(super) enum Template {
    /// Without variables.
    Fixed(Pattern),
    /// With them.
    Variable(Box<[Part]>),
}

#[derive(Debug)]
pub(super) enum Part {
    Fixed(Token),
    Variable { key: Key, default: Option<Box<str>> },
}

/// What of a text has a meaning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// `${…}` is a variable: in version 2012-10-17.
    pub(super) variables: bool,
    /// `*` and `?` are wildcards.
    pub(super) wildcards: bool,
}

/// Why a text with variables is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InvalidVariable {
    Empty,
    Unclosed,
    Quote,
}

impl Template {
    pub(super) fn parse(text: &str, reading: Reading) -> Result<Self, InvalidVariable> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${").filter(|_| reading.variables) {
            let (variable, remaining) = split_at_closing_brace(after)?;
            parts.extend(fixed(before, reading));
            parts.push(variable_or_literal(variable)?);
            rest = remaining;
        }
        parts.extend(fixed(rest, reading));
        let all_fixed: Option<Vec<Token>> = parts.iter().map(Part::as_fixed).collect();
        Ok(all_fixed.map_or_else(|| Self::Variable(parts.into()), |tokens| Self::Fixed(Pattern::new(tokens))))
    }

    /// The keys that its variables ask for.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        let parts = match self {
            Self::Fixed(_) => &[],
            Self::Variable(parts) => &**parts,
        };
        parts.iter().filter_map(|part| match part {
            Part::Fixed(_) => None,
            Part::Variable { key, .. } => Some(key),
        })
    }

    /// The pattern once its variables are filled in. None: one of them has no value, or several.
    pub(super) fn filled(&self, facts: &dyn Facts) -> Option<Pattern> {
        match self {
            Self::Fixed(pattern) => Some(pattern.clone()),
            Self::Variable(parts) => {
                let tokens: Option<Vec<Token>> = parts.iter().map(|part| part.filled(facts)).collect();
                tokens.map(Pattern::new)
            }
        }
    }
}

impl Part {
    fn as_fixed(&self) -> Option<Token> {
        match self {
            Self::Fixed(token) => Some(token.clone()),
            Self::Variable { .. } => None,
        }
    }

    fn filled(&self, facts: &dyn Facts) -> Option<Token> {
        match self {
            Self::Fixed(token) => Some(token.clone()),
            Self::Variable { key, default } => {
                let values = key.values(facts);
                values.one().or(default.as_deref()).map(|value| Token::Literal(value.into()))
            }
        }
    }
}

fn fixed(text: &str, reading: Reading) -> Vec<Part> {
    if reading.wildcards {
        return tokens(text).map(Part::Fixed).collect();
    }
    vec![Part::Fixed(Token::Literal(text.into()))]
}

/// What is before the brace that closes the variable, and what is after it. A default in quotes may have braces.
fn split_at_closing_brace(text: &str) -> Result<(&str, &str), InvalidVariable> {
    let mut in_quotes = false;
    for (at, character) in text.char_indices() {
        match character {
            '\'' => in_quotes = !in_quotes,
            '}' if !in_quotes => {
                let (variable, rest) = text.split_at_checked(at).unwrap_or((text, ""));
                return Ok((variable, rest.strip_prefix('}').unwrap_or(rest)));
            }
            _ => {}
        }
    }
    Err(InvalidVariable::Unclosed)
}

fn variable_or_literal(variable: &str) -> Result<Part, InvalidVariable> {
    if let "*" | "?" | "$" = variable {
        return Ok(Part::Fixed(Token::Literal(variable.into())));
    }
    let (name, default) = match variable.split_once(',') {
        Some((name, default)) => (name, Some(quoted(default.trim())?)),
        None => (variable, None),
    };
    let name = name.trim();
    if name.is_empty() {
        return Err(InvalidVariable::Empty);
    }
    Ok(Part::Variable { key: Key::named(name), default })
}

fn quoted(text: &str) -> Result<Box<str>, InvalidVariable> {
    let inner =
        text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).ok_or(InvalidVariable::Quote)?;
    if inner.contains('\'') { Err(InvalidVariable::Quote) } else { Ok(inner.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::tests::Known;
    use crate::policy::pattern::Case;

    const READING: Reading = Reading { variables: true, wildcards: true };

    const FACTS: Known<'static> = Known(&[
        ("aws:username", &["Ana*"]),
        ("aws:PrincipalTag/team", &["nile"]),
        ("aws:TagKeys", &["one", "two"]),
        ("oidc.example.com:sub", &["subject"]),
    ]);

    fn filled(text: &str) -> Option<String> {
        Template::parse(text, READING).unwrap().filled(&FACTS).map(|pattern| pattern.to_string())
    }

    #[test]
    fn a_variable_is_replaced_by_its_value() {
        assert_eq!(filled("${aws:PrincipalTag/team}-key").as_deref(), Some("nile-key"));
        assert_eq!(filled("${AWS:principaltag/TEAM}${oidc.example.com:sub}").as_deref(), Some("nilesubject"));
        assert_eq!(filled("${ aws:PrincipalTag/team }").as_deref(), Some("nile"));
    }

    #[test]
    fn a_variable_without_one_value_makes_the_text_match_nothing_unless_it_has_a_default() {
        assert_eq!(filled("x${aws:userid}"), None);
        assert_eq!(filled("${aws:TagKeys}"), None);
        assert_eq!(filled("${aws:userid, 'no}body'}!").as_deref(), Some("no}body!"));
        assert_eq!(filled("${aws:PrincipalTag/team,'none'}").as_deref(), Some("nile"));
        assert_eq!(filled("${aws:userid, ''}").as_deref(), Some(""));
    }

    #[test]
    fn what_comes_out_of_a_variable_is_never_a_wildcard() {
        let pattern = Template::parse("${aws:username}/*", READING).unwrap().filled(&FACTS).unwrap();
        assert!(pattern.matches("Ana*/x", Case::Kept));
        assert!(!pattern.matches("Anabel/x", Case::Kept));
    }

    #[test]
    fn three_characters_can_be_spelt_as_text() {
        let Template::Fixed(pattern) = Template::parse("${*}${?}${$}{a}", READING).unwrap() else {
            panic!("a variable")
        };
        assert!(pattern.matches("*?${a}", Case::Kept));
        assert!(!pattern.matches("abc{a}", Case::Kept));
    }

    #[test]
    fn without_variables_a_dollar_is_a_dollar() {
        let reading = Reading { variables: false, wildcards: true };
        let Template::Fixed(pattern) = Template::parse("${aws:username}", reading).unwrap() else {
            panic!("a variable")
        };
        assert!(pattern.matches("${aws:username}", Case::Kept));
        assert!(Template::parse("${", reading).is_ok());
    }

    #[test]
    fn what_is_no_variable_is_refused() {
        for (text, why) in [
            ("${aws:username", InvalidVariable::Unclosed),
            ("${}", InvalidVariable::Empty),
            ("${ , 'x'}", InvalidVariable::Empty),
            ("${aws:username, x}", InvalidVariable::Quote),
            ("${aws:username, 'x}", InvalidVariable::Unclosed),
            ("${aws:username, 'x'y'z'}", InvalidVariable::Quote),
            ("${aws:username, '}", InvalidVariable::Unclosed),
        ] {
            assert_eq!(Template::parse(text, READING).unwrap_err(), why, "{text}");
        }
    }
}
