//! The vectors of `docs/formats.md`, so that the page and the code cannot part.

/// The hexadecimal digits that stand under `NAME =`.
pub fn documented(name: &str) -> String {
    let start = format!("{name} =");
    let lines = include_str!("../../../docs/formats.md").lines().skip_while(|line| *line != start).skip(1);
    let digits: String = lines.take_while(|line| line.starts_with("  ")).map(str::trim).collect();
    assert!(!digits.is_empty(), "`{name}` is not in the page");
    digits
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
