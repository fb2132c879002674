//! The `cardea` command.
fn main() {}
