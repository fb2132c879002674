//! The faults that a test has switched on: lines in a file, read again when it is another.

use std::cell::LazyCell;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The faults that are on, as the file has them.
pub struct Faults {
    file: Option<PathBuf>,
    read: Mutex<Read>,
}

/// What happens in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process aborts.
    Crash,
    /// The call takes that much longer.
    Delay(Duration),
    /// The call returns that, and does nothing.
    Error(u64),
    /// The call never returns.
    Hang,
    /// The token is taken out of its slot, and its sessions end.
    Removed,
}

/// A line of the file.
struct Line {
    token: String,
    function: String,
    fault: Fault,
}

#[derive(Default)]
struct Read {
    stamp: Option<(u64, i64, i64)>,
    lines: Vec<Line>,
}

impl Faults {
    /// Those of the file that the environment names; none ever, if it names none.
    pub fn of_environment() -> Self {
        Self { file: std::env::var_os(VARIABLE).map(PathBuf::from), read: Mutex::default() }
    }

    /// The fault of that function and token. Which token it is is only asked if a fault of that function is one token's.
    pub fn of_call(&self, function: &str, token: impl FnOnce() -> Option<String>) -> Option<Fault> {
        let file = self.file.as_ref()?;
        let metadata = fs::metadata(file).ok()?;
        let stamp = Some((metadata.ino(), metadata.mtime(), metadata.mtime_nsec()));
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.stamp != stamp {
            let text = fs::read_to_string(file).ok()?;
            *read = Read { stamp, lines: text.lines().filter_map(Line::parse).collect() };
        }
        let token = LazyCell::new(|| token().unwrap_or_default());
        read.lines.iter().find(|line| line.is_of(function, &token)).map(|line| line.fault)
    }
}

impl Line {
    /// A token's label or `*`, a function or `*`, a fault. Labels have no spaces in tests.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let (token, function, fault) = (words.next()?, words.next()?, words.next()?);
        let number = words.next().map(|number| number.parse::<u64>());
        let fault = match (fault, number) {
            ("crash", None) => Fault::Crash,
            ("delay", Some(Ok(milliseconds))) => Fault::Delay(Duration::from_millis(milliseconds)),
            ("error", Some(Ok(value))) => Fault::Error(value),
            ("hang", None) => Fault::Hang,
            ("removed", None) => Fault::Removed,
            _ => return None,
        };
        Some(Self { token: token.to_owned(), function: function.to_owned(), fault })
    }

    fn is_of<F: FnOnce() -> String>(&self, function: &str, token: &LazyCell<String, F>) -> bool {
        let is_function = self.function == "*" || self.function == function;
        is_function && (self.token == "*" || self.token == **token)
    }
}

const VARIABLE: &str = "FAULTY_PKCS11_FAULTS";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_replaced_is_read_again_and_its_first_line_that_fits_counts() {
        let path = std::env::temp_dir().join(format!("faulty-pkcs11-{}", std::process::id()));
        let faults = Faults { file: Some(path.clone()), read: Mutex::default() };
        let of = |function: &str, token: &str| faults.of_call(function, || Some(token.to_owned()));
        let put = |text: &str| {
            let new = path.with_extension("new");
            fs::write(&new, text).unwrap();
            fs::rename(new, &path).unwrap();
        };
        assert_eq!(of("C_Encrypt", "a"), None);
        put("a C_Encrypt delay 3\na * error 50\n* C_Login hang\nnonsense\nb * removed");
        assert_eq!(of("C_Encrypt", "a"), Some(Fault::Delay(Duration::from_millis(3))));
        assert_eq!(of("C_Decrypt", "a"), Some(Fault::Error(50)));
        assert_eq!(of("C_Login", "c"), Some(Fault::Hang));
        assert_eq!(of("C_Encrypt", "c"), None);
        assert_eq!(of("C_Encrypt", "b"), Some(Fault::Removed));
        put("");
        assert_eq!(of("C_Encrypt", "a"), None);
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn which_token_it_is_is_only_asked_if_it_matters() {
        let faults = Faults { file: None, read: Mutex::default() };
        assert_eq!(faults.of_call("C_Encrypt", || panic!("asked")), None);
        let path = std::env::temp_dir().join(format!("faulty-pkcs11-unasked-{}", std::process::id()));
        fs::write(&path, "a C_Login hang\n* C_Sign error 50").unwrap();
        let faults = Faults { file: Some(path.clone()), read: Mutex::default() };
        assert_eq!(faults.of_call("C_Encrypt", || panic!("asked")), None);
        assert_eq!(faults.of_call("C_Sign", || panic!("asked")), Some(Fault::Error(50)));
        assert_eq!(faults.of_call("C_Login", || Some("a".to_owned())), Some(Fault::Hang));
        fs::remove_file(path).unwrap();
    }
}
