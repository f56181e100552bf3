//! Dates and times as people write them, in a time zone, made moments.
//!
//! Only the time zone rules built into the program are used, so that the same files mean the same everywhere.

use election::Timestamp;
use jiff::{
    civil::{Date, Time},
    tz::{TimeZone, TimeZoneDatabase},
};

use crate::mistakes::quoted;

/// `2025-11-30`.
pub(crate) fn date(text: &str) -> Result<Date, String> {
    let shaped = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let date = if shaped { text.parse().ok() } else { None };
    date.ok_or_else(|| format!("{} is not a date: write YYYY-MM-DD", quoted(text)))
}

/// An IANA time zone, such as `Asia/Bishkek`.
pub(crate) fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZoneDatabase::bundled()
        .get(name)
        .map_err(|_| format!("{} is not a time zone: write an IANA name such as Asia/Bishkek", quoted(name)))
}

/// `08:00` or `08:00:30` on `date` in `zone`, or a full RFC 3339 moment, which stands for itself.
pub(crate) fn moment(text: &str, date: Date, zone: &TimeZone) -> Result<Timestamp, String> {
    let moment = match clock(text) {
        Some(time) => {
            zone.to_ambiguous_zoned(date.to_datetime(time)).compatible().ok().map(|at| at.timestamp())
        }
        None if text.len() > 10 => text.parse::<jiff::Timestamp>().ok(),
        None => None,
    };
    moment.and_then(|at| u64::try_from(at.as_millisecond()).ok()).map(Timestamp::from_millis).ok_or_else(
        || {
            format!(
                "{} is not a time: write HH:MM in local time, or a full one such as 2025-11-30T14:00:00Z",
                quoted(text)
            )
        },
    )
}

fn clock(text: &str) -> Option<Time> {
    let shaped =
        text.bytes().enumerate().all(|(at, b)| if at % 3 == 2 { b == b':' } else { b.is_ascii_digit() });
    if !shaped || !matches!(text.len(), 5 | 8) {
        return None;
    }
    let part = |at: usize| text.get(at..at + 2).map_or(Some(0), |digits| digits.parse().ok());
    Time::new(part(0)?, part(3)?, part(6)?, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str, zone_name: &str) -> Option<u64> {
        moment(text, date("2025-11-30").unwrap(), &zone(zone_name).unwrap()).ok().map(Timestamp::millis)
    }

    #[test]
    fn a_local_time_is_a_moment_of_its_zone() {
        let close = Some(1_764_511_200_000);
        assert_eq!(millis("20:00", "Asia/Bishkek"), close);
        assert_eq!(millis("23:00:00", "Asia/Seoul"), close);
        assert_eq!(millis("2025-11-30T14:00:00Z", "Asia/Bishkek"), close);
        assert_eq!(millis("2025-11-30T20:00:00+06:00", "Asia/Seoul"), close);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for bad in
            ["", "8:00", "24:00", "20:60", "20.00", "20:00Z", "2025-11-30", "2025-11-30T20:00:00", "20:00:"]
        {
            assert_eq!(millis(bad, "Asia/Bishkek"), None, "{bad}");
        }
        assert_eq!(millis("1969-12-31T00:00:00Z", "Asia/Bishkek"), None);
        for bad in ["2025-02-30", "30.11.2025", "2025-11-3", "20251130", ""] {
            assert!(date(bad).is_err(), "{bad}");
        }
        for bad in ["", "Bishkek", "UTC+6", "../../etc/passwd"] {
            assert!(zone(bad).is_err(), "{bad}");
        }
    }
}
