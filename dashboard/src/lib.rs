//! The public HTTP API, the live feed and the page.
