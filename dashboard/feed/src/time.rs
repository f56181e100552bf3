//! Moments as JSON has them: RFC 3339, UTC, whole seconds.

use election::Timestamp;

/// The moment as `2026-10-04T14:00:00Z`. Past the year 9999 it stays at its last second.
pub fn rfc3339(moment: Timestamp) -> String {
    let seconds = i64::try_from(moment.millis() / 1000).unwrap_or(i64::MAX);
    format!("{:.0}", jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX))
}

/// Reads an RFC 3339 moment of 1970 or later, with any offset. `None` where it is none.
pub fn parse_time(text: &str) -> Option<Timestamp> {
    let moment: jiff::Timestamp = (text.len() <= 40).then_some(text)?.parse().ok()?;
    u64::try_from(moment.as_millisecond()).ok().map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_whole_seconds_and_read_back() {
        let moment = Timestamp::from_millis(1_791_122_400_999);
        assert_eq!(rfc3339(moment), "2026-10-04T14:00:00Z");
        assert_eq!(parse_time("2026-10-04T20:00:00+06:00"), Some(Timestamp::from_millis(1_791_122_400_000)));
        for bad in ["", "yesterday", "2026-10-04", "1969-12-31T00:00:00Z", &"2".repeat(99)] {
            assert_eq!(parse_time(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_moment_past_all_calendars_is_still_written() {
        assert!(rfc3339(Timestamp::from_millis(u64::MAX)).starts_with("9999-12-3"));
    }
}
