//! The page's three languages, as far as the server writes them itself.

use election::{Timestamp, definition::Names};

/// A language of the page; the first is what a link without one is read in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Ky,
    Ru,
    En,
}

/// A word or sentence in Kyrgyz, Russian and English.
pub(crate) type Words = [&'static str; 3];

/// Groups digits and stands before the percent sign in Kyrgyz and Russian.
const NARROW_SPACE: char = '\u{202f}';

impl Language {
    pub(crate) const ALL: [Self; 3] = [Self::Ky, Self::Ru, Self::En];

    pub(crate) fn of(text: Option<&str>) -> Self {
        match text {
            Some("ru") => Self::Ru,
            Some("en") => Self::En,
            _ => Self::Ky,
        }
    }

    pub(crate) fn code(self) -> &'static str {
        self.word(["ky", "ru", "en"])
    }

    /// What the language calls itself.
    pub(crate) fn own_name(self) -> &'static str {
        self.word(["Кыргызча", "Русский", "English"])
    }

    pub(crate) fn word(self, [ky, ru, en]: [&str; 3]) -> &str {
        match self {
            Self::Ky => ky,
            Self::Ru => ru,
            Self::En => en,
        }
    }

    /// A name, in Kyrgyz where this language has none.
    pub(crate) fn name(self, names: &Names) -> &str {
        let own = self.word([&names.ky, &names.ru, &names.en]);
        if own.is_empty() { &names.ky } else { own }
    }

    /// A count, its digits in groups of three.
    pub(crate) fn count(self, value: u64) -> String {
        let digits = value.to_string();
        let comma = if self == Self::En { ',' } else { NARROW_SPACE };
        let mut out = String::with_capacity(digits.len() * 2);
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                out.push(comma);
            }
            out.push(digit);
        }
        out
    }

    /// Percent of a whole with one decimal, never 100 before all is in; a dash where there is no whole.
    pub(crate) fn percent(self, part: u64, whole: u64) -> String {
        if whole == 0 {
            return "–".to_owned();
        }
        let (part, whole) = (u128::from(part), u128::from(whole));
        let rounded = (part * 2000 + whole) / (2 * whole);
        let tenths = if part < whole { rounded.min(999) } else { rounded };
        let number = self.count(u64::try_from(tenths / 10).unwrap_or(u64::MAX));
        match self {
            Self::En => format!("{number}.{}%", tenths % 10),
            Self::Ky | Self::Ru => format!("{number},{}{NARROW_SPACE}%", tenths % 10),
        }
    }
}

/// `21:04` in a time zone (IANA); in UTC, and saying so, where the zone is unknown.
pub(crate) fn clock(moment: Timestamp, zone: &str) -> String {
    let millis = i64::try_from(moment.millis()).unwrap_or(i64::MAX);
    let moment = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
    match jiff::tz::TimeZone::get(zone) {
        Ok(zone) => moment.to_zoned(zone).strftime("%H:%M").to_string(),
        Err(_) => moment.strftime("%H:%M UTC").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_nobody_knows_is_kyrgyz() {
        assert_eq!(
            [None, Some("de"), Some("ru"), Some("en")].map(|text| Language::of(text).code()),
            ["ky", "ky", "ru", "en"]
        );
    }

    #[test]
    fn counts_are_grouped_and_percent_is_never_whole_before_all_is_in() {
        assert_eq!(
            [7, 1704, 2_871_330].map(|n| Language::Ky.count(n)),
            ["7", "1\u{202f}704", "2\u{202f}871\u{202f}330"]
        );
        assert_eq!(Language::En.count(1_000_000), "1,000,000");
        assert_eq!(Language::Ru.percent(1, 3), "33,3\u{202f}%");
        assert_eq!(
            [(9999, 10_000), (1, 1), (0, 5), (0, 0), (5, 4)].map(|(a, b)| Language::En.percent(a, b)),
            ["99.9%", "100.0%", "0.0%", "–", "125.0%"]
        );
    }

    #[test]
    fn a_clock_is_that_of_the_election() {
        let close = Timestamp::from_millis(1_791_122_400_000);
        assert_eq!(clock(close, "Asia/Bishkek"), "20:00");
        assert_eq!(clock(close, "Nowhere/Else"), "14:00 UTC");
        assert_eq!(clock(Timestamp::from_millis(u64::MAX), "Asia/Bishkek").len(), 5);
    }
}
