//! TLS and HTTP as a service speaks them: connections accepted and handed to workers, limits that hold before anybody is known, and the end
//! of it all without a request lost. It never knows what is asked for.

#![forbid(unsafe_code)]
