//! Slow key generation, on threads of low priority of its own.
