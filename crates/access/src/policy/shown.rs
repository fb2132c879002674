//! A policy's text as it is given out: principals that are gone are shown by the unique ids that they had. All else stays as it was
//! stored, white space included.

use super::BoundPrincipals;

/// The text with each principal of `gone` replaced by its unique id. It is the text of a policy, and so well-formed JSON.
pub(super) fn with_ids(text: &str, gone: &BoundPrincipals) -> String {
    if gone.is_empty() {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    let mut place = Place::default();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let length = if next == '"' { length_of_string(rest) } else { next.len_utf8() };
        let (token, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        let id = place.follow(token, after).and_then(|name| gone.get(&name));
        match id {
            Some(id) => shown.extend(["\"", id, "\""]),
            None => shown.push_str(token),
        }
        rest = after;
    }
    shown
}

/// How long the string at the beginning of the text is, quotation marks included.
fn length_of_string(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Where in the text something is.
#[derive(Default)]
struct Place {
    /// In how many objects and arrays.
    depth: usize,
    /// In how many the element `Principal` or `NotPrincipal` is whose value this belongs to.
    within: Option<usize>,
}

impl Place {
    /// Goes past a token; a string that names a principal is given back.
    fn follow(&mut self, token: &str, after: &str) -> Option<String> {
        match token {
            "{" | "[" => self.depth += 1,
            "}" | "]" => self.leave_to(self.depth.saturating_sub(1)),
            "," if self.within == Some(self.depth) => self.within = None,
            string if string.starts_with('"') => return self.follow_string(string, after),
            _ => {}
        }
        None
    }

    fn leave_to(&mut self, depth: usize) {
        self.depth = depth;
        self.within = self.within.filter(|within| *within <= depth);
    }

    fn follow_string(&mut self, string: &str, after: &str) -> Option<String> {
        let text: String = serde_json::from_str(string).ok()?;
        if !after.trim_start().starts_with(':') {
            return self.within.map(|_| text);
        }
        if self.within.is_none() && matches!(text.as_str(), "Principal" | "NotPrincipal") {
            self.within = Some(self.depth);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: &str = "arn:aws:iam::111122223333:user/Ana";

    fn shown(text: &str) -> String {
        with_ids(text, &BoundPrincipals::from([(ANA.into(), "AIDAEXAMPLE".into())]))
    }

    #[test]
    fn a_principal_that_is_gone_is_shown_by_its_unique_id() {
        let text = |name: &str| {
            format!(
                r#"{{ "Statement" : [ {{ "Principal" : {{ "AWS" : [ "{name}", "arn:aws:iam::111122223333:root" ] }}, "Sid" : "{ANA}" }},
                {{"NotPrincipal":{{"AWS":"{name}"}},"Condition":{{"ArnEquals":{{"aws:PrincipalArn":"{ANA}"}}}}}} ] }}"#
            )
        };
        assert_eq!(shown(&text(ANA)), text("AIDAEXAMPLE"));
    }

    #[test]
    fn it_is_found_however_it_is_spelt() {
        let spelt = ANA.replace('/', r"\/").replace('A', r"\u0041");
        let text = |name: &str| format!(r#"{{"Statement":{{"\u0050rincipal":{{"AWS":"{name}"}}}}}}"#);
        assert_eq!(shown(&text(&spelt)), text("AIDAEXAMPLE"));
    }

    #[test]
    fn what_follows_the_element_is_left_alone() {
        for text in [
            format!(r#"{{"Statement":[{{"Principal":"*","Sid":"{ANA}"}},"{ANA}"],"Id":"{ANA}"}}"#),
            format!(r#"{{"Id":"\"Principal\":","Statement":{{"Sid":"{ANA}"}}}}"#),
            format!(r#"{{"Statement":{{"Principal":{{"{ANA}":"x"}}}}}}"#),
        ] {
            assert_eq!(shown(&text), text);
        }
    }
}
