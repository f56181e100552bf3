//! How device messages reach us, behind one port: direct, external, embedded.
