//! `export` lines, as `root.env` has them and `cardea admin account create` prints them.

/// Variables and their values.
#[derive(Clone)]
pub struct Environment(Vec<(String, String)>);

impl Environment {
    /// Reads `export NAME='value'` lines.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self(lines.map(variable).collect())
    }

    /// The value of a variable, if it is set.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }

    /// The value of a variable. Without it the test fails.
    #[must_use]
    pub fn required(&self, name: &str) -> &str {
        self.value(name).unwrap_or_else(|| panic!("{name} is not set"))
    }

    /// Every variable and its value, for a child process.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

fn variable(line: &str) -> (String, String) {
    let (name, value) = line
        .strip_prefix("export ")
        .and_then(|rest| rest.split_once('='))
        .expect("a line that exports a variable");
    let value = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')).unwrap_or(value);
    (name.to_owned(), value.replace(r"'\''", "'"))
}
