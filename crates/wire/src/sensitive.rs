//! A value that must not be shown, logged or recorded.

use zeroize::Zeroize;

/// Holds a plaintext or a secret of a client. Prints `…`, cannot be cloned or compared, and is wiped when dropped.
pub struct Sensitive<T: Zeroize>(T);

impl<T: Zeroize> Sensitive<T> {
    /// Takes charge of the value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the narrowest expression that needs it.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Sensitive<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> std::fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_does_not_show_what_it_holds() {
        assert_eq!(format!("{:?}", Sensitive::new(vec![1_u8, 2, 3])), "…");
    }
}
