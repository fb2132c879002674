//! HSM clusters: members that each hold every key, reached through a process of their own that loads the vendor's library.
