//! The pure heart: ids, definition, counts, reports, precinct state, rules, roll-up. No IO, no async, no clock.
