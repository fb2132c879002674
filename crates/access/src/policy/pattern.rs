//! Patterns with `*` and `?`, matched in time bounded by the product of the lengths of pattern and text, never more.

use std::fmt;

/// A pattern without variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Box<[Token]>);

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Just this text. Never empty.
    Literal(Box<str>),
    /// Any one character.
    One,
    /// Any characters, or none.
    Run,
}

/// Whether letters must be of the same case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Ignored,
    Kept,
}

impl Pattern {
    /// The pattern of these pieces.
    pub(super) fn new(tokens: impl IntoIterator<Item = Token>) -> Self {
        let mut joined: Vec<Token> = Vec::new();
        for token in tokens {
            match (joined.last_mut(), token) {
                (Some(Token::Literal(before)), Token::Literal(after)) => {
                    *before = format!("{before}{after}").into()
                }
                (Some(Token::Run), Token::Run) => {}
                (_, Token::Literal(empty)) if empty.is_empty() => {}
                (_, token) => joined.push(token),
            }
        }
        Self(joined.into())
    }

    /// The pattern that this text is: `*` and `?` are wildcards.
    pub(super) fn parse(text: &str) -> Self {
        Self::new(tokens(text))
    }

    /// Whether it is `*`.
    pub(super) const fn is_everything(&self) -> bool {
        matches!(*self.0, [Token::Run])
    }

    /// Its pieces.
    pub(super) const fn tokens(&self) -> &[Token] {
        &self.0
    }

    /// Whether the whole text matches.
    pub(super) fn matches(&self, text: &str, case: Case) -> bool {
        let (mut pattern, mut rest) = (&*self.0, text);
        // Where the last run began. Only that one ever needs to be longer: an earlier one took the first place that fits.
        let mut run: Option<(&[Token], &str)> = None;
        loop {
            if pattern.is_empty() && rest.is_empty() {
                return true;
            }
            if let [Token::Run, after @ ..] = pattern {
                if after.is_empty() {
                    return true;
                }
                run = Some((after, rest));
                pattern = after;
                continue;
            }
            if let Some((token, after)) = pattern.split_first()
                && let Some(remaining) = token.taken_from(rest, case)
            {
                (pattern, rest) = (after, remaining);
                continue;
            }
            let Some((after, began)) = run else { return false };
            let Some(later) = next_start(after, began, case) else { return false };
            run = Some((after, later));
            (pattern, rest) = (after, later);
        }
    }
}

/// The next place after the beginning of the text where the pattern could begin.
fn next_start<'a>(pattern: &[Token], text: &'a str, case: Case) -> Option<&'a str> {
    let later = without_first(text)?;
    match pattern.first() {
        Some(Token::Literal(literal)) if case == Case::Kept => {
            later.find(&**literal).and_then(|at| later.get(at..))
        }
        _ => Some(later),
    }
}

impl Token {
    /// What remains of the text when this piece is taken from its beginning.
    fn taken_from<'a>(&self, text: &'a str, case: Case) -> Option<&'a str> {
        match self {
            Self::Literal(literal) if case == Case::Kept => text.strip_prefix(&**literal),
            Self::Literal(literal) => {
                let (start, rest) = text.split_at_checked(literal.len())?;
                start.eq_ignore_ascii_case(literal).then_some(rest)
            }
            Self::One => without_first(text),
            Self::Run => Some(text),
        }
    }
}

fn without_first(text: &str) -> Option<&str> {
    let mut characters = text.chars();
    characters.next()?;
    Some(characters.as_str())
}

/// The pieces of a text whose `*` and `?` are wildcards.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = Token> {
    text.split_inclusive(['*', '?']).flat_map(|part| {
        let (literal, wildcard) = match part.chars().next_back() {
            Some('*') => (part.strip_suffix('*').unwrap_or(part), Some(Token::Run)),
            Some('?') => (part.strip_suffix('?').unwrap_or(part), Some(Token::One)),
            _ => (part, None),
        };
        [Some(Token::Literal(literal.into())), wildcard].into_iter().flatten()
    })
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|token| match token {
            Token::Literal(text) => f.write_str(text),
            Token::One => f.write_str("?"),
            Token::Run => f.write_str("*"),
        })
    }
}

/// A pattern of an ARN: each of the six parts between colons matches for itself, so that no wildcard reaches across a colon. A lone `*`
/// is any ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ArnPattern(Box<[Pattern]>);

impl ArnPattern {
    /// The pattern, if it has six parts.
    pub(super) fn new(pattern: &Pattern) -> Option<Self> {
        if pattern.is_everything() {
            return Some(Self(Box::new([])));
        }
        let mut parts: Vec<Vec<Token>> = vec![Vec::new()];
        for token in pattern.tokens() {
            let Token::Literal(text) = token else {
                parts.last_mut()?.push(token.clone());
                continue;
            };
            let colons_left = ARN_PARTS.saturating_sub(parts.len());
            for (place, piece) in text.splitn(colons_left + 1, ':').enumerate() {
                if place > 0 {
                    parts.push(Vec::new());
                }
                parts.last_mut()?.push(Token::Literal(piece.into()));
            }
        }
        (parts.len() == ARN_PARTS).then(|| Self(parts.into_iter().map(Pattern::new).collect()))
    }

    /// Whether that ARN matches.
    pub(super) fn matches(&self, arn: &str) -> bool {
        let parts = || arn.splitn(ARN_PARTS, ':');
        if !arn.starts_with("arn:") || parts().count() != ARN_PARTS {
            return false;
        }
        self.0.iter().zip(parts()).all(|(pattern, part)| pattern.matches(part, Case::Kept))
    }
}

/// `arn`, partition, service, region, account and resource.
const ARN_PARTS: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::parse(pattern).matches(text, Case::Kept)
    }

    #[test]
    fn a_star_is_any_run_and_a_question_mark_any_one_character() {
        for (pattern, text) in [
            ("", ""),
            ("*", ""),
            ("*", "a"),
            ("a*", "a"),
            ("*a", "ba"),
            ("a?c", "abc"),
            ("?", "ü"),
            ("*a*b*c*", "xaxbxcx"),
            ("**?", "a"),
        ] {
            assert!(matches(pattern, text), "`{pattern}` and `{text}`");
        }
        for (pattern, text) in [
            ("", "a"),
            ("?", ""),
            ("a", "A"),
            ("a?", "a"),
            ("a*b", "abc"),
            ("?", "ab"),
            ("*aab", "aaba"),
            ("*?", ""),
        ] {
            assert!(!matches(pattern, text), "`{pattern}` and `{text}`");
        }
    }

    #[test]
    fn case_matters_unless_it_is_ignored() {
        let pattern = Pattern::parse("kms:gen*key");
        assert!(pattern.matches("kms:GenerateDataKey", Case::Ignored));
        assert!(!pattern.matches("kms:GenerateDataKey", Case::Kept));
        assert!(!pattern.matches("kms:GenerateDataKeyPair", Case::Ignored));
    }

    #[test]
    fn many_stars_do_not_take_long() {
        let pattern = "a*".repeat(10_000) + "b";
        assert!(!matches(&pattern, &"a".repeat(30_000)));
        let pattern = "*a".repeat(100) + "*b";
        assert!(!matches(&pattern, &"a".repeat(30_000)));
    }

    #[test]
    fn an_arn_matches_part_by_part() {
        let matches = |pattern: &str, arn| {
            ArnPattern::new(&Pattern::parse(pattern)).is_some_and(|arns| arns.matches(arn))
        };
        let arn = "arn:aws:iam::111122223333:role/team/Ana";
        for pattern in
            ["arn:aws:iam::111122223333:role/*", "arn:*:iam:*:1111????3333:*Ana", "*", "arn:aws:iam::*:*"]
        {
            assert!(matches(pattern, arn), "{pattern}");
        }
        for pattern in [
            "arn:aws:iam::*",
            "arn:aws:*:role/team/Ana",
            "arn:aws:iam:?:111122223333:role/*",
            "*:role/team/Ana",
            "",
        ] {
            assert!(!matches(pattern, arn), "{pattern}");
        }
        assert!(matches("arn:aws:s3:::a:b*", "arn:aws:s3:::a:b:c"), "the resource may have colons");
        assert!(!matches("*", "no ARN"));
    }

    /// The definition: what a wildcard may stand for is tried, one thing after the other.
    fn by_definition(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', rest @ ..], _) => (0..=text.len()).any(|taken| by_definition(rest, &text[taken..])),
            (['?', rest @ ..], [_, after @ ..]) => by_definition(rest, after),
            ([wanted, rest @ ..], [actual, after @ ..]) => wanted == actual && by_definition(rest, after),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn the_matcher_agrees_with_the_definition(pattern in "[ab*?ü]{0,9}", text in "[abü]{0,12}") {
            let (characters, of_text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(matches(&pattern, &text), by_definition(&characters, &of_text));
        }

        #[test]
        fn without_case_it_agrees_with_itself_in_small_letters(pattern in "[aAbB*?]{0,9}", text in "[aAbB]{0,12}") {
            let ignoring = Pattern::parse(&pattern).matches(&text, Case::Ignored);
            prop_assert_eq!(ignoring, matches(&pattern.to_lowercase(), &text.to_lowercase()));
        }

        #[test]
        fn a_pattern_is_shown_as_it_was_written(pattern in "[ab?]{0,5}[*]?[ab?]{0,5}") {
            prop_assert_eq!(Pattern::parse(&pattern).to_string(), pattern);
        }
    }
}
