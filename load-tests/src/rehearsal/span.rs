//! Spans of time as people write them: `250ms`, `60s`, `2m`, `1h`.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

/// A span of time, at most a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(pub Duration);

const DAY: f64 = 86_400.0;

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("\"{text}\" is no span of time: give a number and ms, s, m or h, such as 250ms");
        let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let number: f64 = digits.trim().parse().map_err(|_| wrong())?;
        let unit = match &text[digits.len()..] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3_600.0,
            _ => return Err(wrong()),
        };
        let seconds = number * unit;
        if (0.0..=DAY).contains(&seconds) { Ok(Self(Duration::from_secs_f64(seconds))) } else { Err(wrong()) }
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> String {
        span.to_string()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_millis();
        match ms {
            0..1_000 => write!(f, "{ms}ms"),
            _ if ms.is_multiple_of(60_000) => write!(f, "{}m", ms / 60_000),
            _ if ms.is_multiple_of(1_000) => write!(f, "{}s", ms / 1_000),
            _ => write!(f, "{}ms", ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_people_write_them_and_written_so_again() {
        for (text, ms) in [("250ms", 250), ("0ms", 0), ("60s", 60_000), ("2m", 120_000), ("1.5s", 1_500)] {
            assert_eq!(text.parse::<Span>().unwrap().0.as_millis(), ms, "{text}");
        }
        assert_eq!("60s".parse::<Span>().unwrap().to_string(), "1m");
        assert_eq!("1500ms".parse::<Span>().unwrap().to_string().parse::<Span>(), "1.5s".parse());
        for text in ["", "5", "-1s", "s", "1d", "NaNs", "99999h", "1 minute"] {
            assert!(text.parse::<Span>().unwrap_err().contains("such as 250ms"), "{text}");
        }
    }
}
