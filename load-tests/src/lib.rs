//! The simulated fleet and viewers, and the verification of what the platform shows.
