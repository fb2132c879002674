//! External key stores: an XKS proxy over HTTPS, and what the service makes of its answers.
