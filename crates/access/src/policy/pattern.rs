//! Patterns with `*` and `?`. However they are made, matching takes time in proportion to the text, and where `?` follows `*` to the text
//! times a 64th of the pattern: who writes a policy cannot make the service work for long.

use std::collections::BTreeMap;
use std::fmt;

/// A pattern without variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    tokens: Box<[Token]>,
    /// For each part between two runs, if it has a `?` and is long: they take much more room than it does.
    masks: Box<[Option<Masks>]>,
}

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
    /// They need not. The pattern itself has small letters only.
    Ignored,
    Kept,
}

impl Pattern {
    /// The pattern of these pieces.
    pub(super) fn new(tokens: impl IntoIterator<Item = Token>) -> Self {
        let mut joined: Vec<Token> = Vec::new();
        // Gathered apart: a text of many pieces is to be copied once, not once for each piece.
        let mut literal = String::new();
        for token in tokens {
            match (joined.last(), token) {
                (_, Token::Literal(text)) => literal.push_str(&text),
                (Some(Token::Run), Token::Run) if literal.is_empty() => {}
                (_, wildcard) => {
                    joined.extend(taken(&mut literal));
                    joined.push(wildcard);
                }
            }
        }
        joined.extend(taken(&mut literal));
        let mut parts = joined.split(is_run);
        parts.next();
        parts.next_back();
        let needs_masks = |part: &[Token]| part.contains(&Token::One) && characters(part).count() > SHORT;
        let masks = parts.map(|part| needs_masks(part).then(|| Masks::of(part))).collect();
        Self { tokens: joined.into(), masks }
    }

    /// The pattern that this text is: `*` and `?` are wildcards.
    pub(super) fn parse(text: &str) -> Self {
        Self::new(tokens(text))
    }

    /// Whether it is `*`.
    pub(super) const fn is_everything(&self) -> bool {
        matches!(*self.tokens, [Token::Run])
    }

    /// Its pieces.
    pub(super) const fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Whether the whole text matches.
    pub(super) fn matches(&self, text: &str, case: Case) -> bool {
        let mut parts = self.tokens.split(is_run);
        let Some(mut rest) = taken_from(text, parts.next().unwrap_or_default(), case) else { return false };
        let Some(last) = parts.next_back() else { return rest.is_empty() };
        // Each part may stand where it first fits: whatever fits after a later place fits after that one too.
        for (part, masks) in parts.zip(&self.masks) {
            let found = match masks {
                Some(masks) => masks.find_in(rest, case),
                None => find_in(rest, part, case),
            };
            let Some(after) = found else { return false };
            rest = after;
        }
        end_of(rest, last).is_some_and(|end| taken_from(end, last, case) == Some(""))
    }
}

/// The text as a piece, unless it is empty.
fn taken(literal: &mut String) -> Option<Token> {
    let text = std::mem::take(literal);
    (!text.is_empty()).then(|| Token::Literal(text.into()))
}

fn is_run(token: &Token) -> bool {
    matches!(token, Token::Run)
}

/// What remains of the text when these pieces are taken from its beginning.
fn taken_from<'a>(text: &'a str, tokens: &[Token], case: Case) -> Option<&'a str> {
    tokens.iter().try_fold(text, |rest, token| match token {
        Token::Literal(literal) if case == Case::Kept => rest.strip_prefix(&**literal),
        Token::Literal(literal) => {
            let (start, after) = rest.split_at_checked(literal.len())?;
            start.eq_ignore_ascii_case(literal).then_some(after)
        }
        Token::One => without_first(rest),
        Token::Run => Some(rest),
    })
}

fn without_first(text: &str) -> Option<&str> {
    let mut characters = text.chars();
    characters.next()?;
    Some(characters.as_str())
}

/// What remains after the first place where these pieces are, which have no run.
fn find_in<'a>(text: &'a str, tokens: &[Token], case: Case) -> Option<&'a str> {
    if let ([Token::Literal(literal)], Case::Kept) = (tokens, case) {
        return text.split_once(&**literal).map(|(_, after)| after);
    }
    text.char_indices().find_map(|(at, _)| taken_from(text.get(at..)?, tokens, case))
}

/// As much of the end of the text as these pieces are long.
fn end_of<'a>(text: &'a str, tokens: &[Token]) -> Option<&'a str> {
    match characters(tokens).count().checked_sub(1) {
        None => Some(""),
        Some(others) => text.char_indices().nth_back(others).and_then(|(at, _)| text.get(at..)),
    }
}

/// The characters of these pieces; of a `?` none.
fn characters(tokens: &[Token]) -> impl Iterator<Item = Option<char>> {
    tokens.iter().flat_map(|token| {
        let (literal, one) = match token {
            Token::Literal(literal) => (&**literal, None),
            Token::One => ("", Some(None)),
            Token::Run => ("", None),
        };
        literal.chars().map(Some).chain(one)
    })
}

/// Finds a part with `?` in a text, all places at once: one bit for each character of the part.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Masks {
    /// The places at which the part has that character: the words that have any, by number.
    of_character: BTreeMap<char, Vec<(usize, u64)>>,
    /// The places at which it has a `?`.
    of_any: Box<[u64]>,
    /// The last place, in the last word.
    last: u64,
}

impl Masks {
    fn of(part: &[Token]) -> Self {
        let length = characters(part).count();
        let mut of_character: BTreeMap<char, Vec<(usize, u64)>> = BTreeMap::new();
        let mut of_any = vec![0; length.div_ceil(WORD)];
        for (place, character) in characters(part).enumerate() {
            let (number, bit) = (place / WORD, 1 << (place % WORD));
            let words = character.map(|character| of_character.entry(character).or_default());
            match words {
                Some(words) => match words.last_mut().filter(|(last, _)| *last == number) {
                    Some((_, word)) => *word |= bit,
                    None => words.push((number, bit)),
                },
                None => of_any.iter_mut().skip(number).take(1).for_each(|word| *word |= bit),
            }
        }
        Self { of_character, of_any: of_any.into(), last: 1 << (length.saturating_sub(1) % WORD) }
    }

    /// What remains after the first place where the part is.
    fn find_in<'a>(&self, text: &'a str, case: Case) -> Option<&'a str> {
        // A bit is set where the characters until here are those of the part until there.
        let mut state = vec![0_u64; self.of_any.len()];
        let mut rest = text.chars();
        while let Some(character) = rest.next() {
            let character = if case == Case::Ignored { character.to_ascii_lowercase() } else { character };
            let mut words = self.of_character.get(&character).into_iter().flatten().peekable();
            let mut carried = 1;
            for (number, (word, any)) in state.iter_mut().zip(&self.of_any).enumerate() {
                let own = words.next_if(|(of, _)| *of == number).map_or(0, |(_, word)| *word);
                (*word, carried) = ((*word << 1 | carried) & (any | own), *word >> (WORD - 1));
            }
            if state.last().is_some_and(|word| word & self.last != 0) {
                return Some(rest.as_str());
            }
        }
        None
    }
}

/// A part of so many characters is found fast enough by trying every place.
const SHORT: usize = 16;

/// In bits.
const WORD: usize = 64;

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
        self.tokens.iter().try_for_each(|token| match token {
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
        let pattern = Pattern::parse("kms:gen*d?t*key");
        assert!(pattern.matches("kms:GenerateDataKey", Case::Ignored));
        assert!(!pattern.matches("kms:GenerateDataKey", Case::Kept));
        assert!(!pattern.matches("kms:GenerateDataKeyPair", Case::Ignored));
    }

    #[test]
    fn a_part_with_a_question_mark_may_be_longer_than_a_word_of_bits() {
        for length in [1, 63, 64, 65, 127, 128, 129, 300] {
            let pattern = format!("*{}b*", "a?".repeat(length));
            assert!(matches(&pattern, &format!("x{}bx", "aa".repeat(length))), "{length}");
            assert!(matches(&pattern, &format!("{}b", "aü".repeat(length + 3))), "{length}");
            assert!(!matches(&pattern, &format!("x{}bx", "aa".repeat(length - 1))), "{length}");
            assert!(!matches(&pattern, &"a".repeat(1000)), "{length}");
        }
    }

    #[test]
    fn no_pattern_that_fits_into_a_policy_takes_long() {
        let text = "a".repeat(8192);
        for pattern in [
            "a*".repeat(16_000) + "b",
            "*?a".repeat(10_000) + "b",
            format!("*{}b*", "?a".repeat(2000)),
            format!("*{}b", "a".repeat(4000)),
        ] {
            let began = std::time::Instant::now();
            assert!(!matches(&pattern, &text));
            assert!(began.elapsed().as_millis() < 500, "{:?}", began.elapsed());
        }
    }

    #[test]
    fn no_pattern_of_many_pieces_takes_long_to_make() {
        let piece = Token::Literal("a".repeat(256).into());
        let began = std::time::Instant::now();
        let pattern = Pattern::new(std::iter::repeat_n(piece, 20_000));
        assert!(matches!(pattern.tokens(), [Token::Literal(text)] if text.len() == 256 * 20_000));
        assert!(began.elapsed().as_millis() < 2000, "{:?}", began.elapsed());
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
        fn without_case_it_agrees_with_itself_in_small_letters(pattern in "[ab*?]{0,9}", text in "[aAbB]{0,12}") {
            let ignoring = Pattern::parse(&pattern).matches(&text, Case::Ignored);
            prop_assert_eq!(ignoring, matches(&pattern, &text.to_lowercase()));
        }

        #[test]
        fn a_pattern_is_shown_as_it_was_written(pattern in "[ab?]{0,5}[*]?[ab?]{0,5}") {
            prop_assert_eq!(Pattern::parse(&pattern).to_string(), pattern);
        }
    }
}
