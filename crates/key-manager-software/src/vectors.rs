//! The vectors of `docs/key-store-file.md`, so that the page and the code cannot part.

/// The hexadecimal digits that stand under `NAME =`.
pub fn documented(name: &str) -> String {
    let start = format!("{name} =");
    let lines = include_str!("../../../docs/key-store-file.md").lines();
    let lines = lines.skip_while(|line| *line != start).skip(1);
    let digits: String = lines.take_while(|line| line.starts_with("  ")).map(str::trim).collect();
    assert!(!digits.is_empty(), "`{name}` is not in the page");
    digits
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hexadecimal digits as bytes.
pub fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
}
