//! The word that was probably meant.

/// The nearest of `words` to `text`, when it is near enough to be meant: at most one letter in three differs.
pub(crate) fn near<'a>(text: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let text: Vec<char> = text.chars().take(64).collect();
    let best = words.into_iter().map(|word| (distance(&text, word), word)).min_by_key(|(far, _)| *far);
    best.filter(|(far, word)| *far <= (word.chars().count() / 3).max(1)).map(|(_, word)| word)
}

/// `, did you mean X?`, or nothing.
pub(crate) fn meant<'a>(text: &str, words: impl IntoIterator<Item = &'a str>) -> String {
    near(text, words).map(|word| format!(", did you mean {word}?")).unwrap_or_default()
}

/// Letters to insert, delete or change (Levenshtein).
fn distance(text: &[char], word: &str) -> usize {
    let mut row: Vec<usize> = (0..=text.len()).collect();
    for (at, letter) in word.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, other) in text.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let keys = ["polls_open", "polls_close", "timezone", "id"];
        assert_eq!(near("poll_close", keys), Some("polls_close"));
        assert_eq!(near("time_zone", keys), Some("timezone"));
        assert_eq!(near("licence", keys), None);
        assert_eq!(near("xy", keys), None);
        assert_eq!(meant("timezon", keys), ", did you mean timezone?");
    }
}
