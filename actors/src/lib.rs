//! Precinct, region, district and country actors; supervision, liveness, publication.
