//! What an address of the page is about, in the page's head: for link previews, and for readers without script.

use election::{
    Definition, UnitId,
    definition::{Names, Precinct},
};

/// The page's languages; the first is what a link without one is previewed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Ky,
    Ru,
    En,
}

impl Language {
    pub(crate) fn of(text: Option<&str>) -> Self {
        match text {
            Some("ru") => Self::Ru,
            Some("en") => Self::En,
            _ => Self::Ky,
        }
    }

    fn code(self) -> &'static str {
        self.one_of(["ky", "ru", "en"])
    }

    fn one_of(self, [ky, ru, en]: [&str; 3]) -> &str {
        match self {
            Self::Ky => ky,
            Self::Ru => ru,
            Self::En => en,
        }
    }

    fn name(self, names: &Names) -> &str {
        self.one_of([&names.ky, &names.ru, &names.en])
    }
}

const SIMULATION: [&str; 3] = ["Тесттик маалымат", "Тестовые данные", "Simulation"];
const ABROAD: [&str; 3] = ["Чет өлкөдө", "За рубежом", "Abroad"];
const PRECINCT: [&str; 3] = ["Участка", "Участок", "Precinct"];
const DISTRICT: [&str; 3] = ["Округ", "Округ", "District"];
const MISSING: [&str; 3] =
    ["Маалымат түшө элек участкалар", "Участки, данные которых не поступили", "Precincts still missing"];
const QUARANTINE: [&str; 3] = ["Текшерүүгө калтырылды", "Отложено до проверки", "Reports kept back"];
const CORRECTIONS: [&str; 3] = ["Оңдоолор", "Исправления", "Corrections"];
const DESCRIPTION: [&str; 3] = [
    "Катышуу, добуштардын эсеби жана мандаттар: ар бир участкага чейин, кол коюлган билдирүүлөрү менен.",
    "Явка, подсчёт голосов и мандаты: до каждого участка, с подписанными сообщениями устройств.",
    "Turnout, the count and the seats: down to every precinct, with the signed reports they are made of.",
];
const INVENTED: [&str; 3] = [
    "Тесттик маалымат: бул шайлоонун жыйынтыгы эмес.",
    "Тестовые данные: итогами выборов это не является.",
    "Simulation: nothing here is a result.",
];

/// Title and description of one address.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Preview {
    language: &'static str,
    title: String,
    description: String,
}

impl Preview {
    /// Of an address such as `/kg-demo/region/osh`. What is not of this election is as if it were not there.
    pub(crate) fn of(definition: &Definition, path: &str, language: Language) -> Self {
        let about = definition.about();
        let mut parts = path.trim_start_matches('/').splitn(4, '/');
        let own = parts.next() == Some(about.id.as_str());
        let subject =
            own.then(|| subject(definition, parts.next()?, parts.next().unwrap_or(""), language)).flatten();
        let mut title: Vec<String> = Vec::new();
        title.extend(about.test.then(|| language.one_of(SIMULATION).to_owned()));
        title.extend(subject);
        title.push(language.name(&about.name).to_owned());
        let mut description = format!("{}. {}", about.date, language.one_of(DESCRIPTION));
        if about.test {
            description = format!("{} {description}", language.one_of(INVENTED));
        }
        Self { language: language.code(), title: title.join(" · "), description }
    }

    /// The page with this in its head.
    pub(crate) fn within(&self, index: &str) -> String {
        let (title, description) = (escaped(&self.title), escaped(&self.description));
        let head = format!(
            "<title>{title} · Sanak</title>\n    <meta name=\"description\" content=\"{description}\" />\n    \
             <meta property=\"og:type\" content=\"website\" />\n    \
             <meta property=\"og:site_name\" content=\"Sanak\" />\n    \
             <meta property=\"og:title\" content=\"{title}\" />\n    \
             <meta property=\"og:description\" content=\"{description}\" />\n    \
             <meta name=\"twitter:card\" content=\"summary\" />"
        );
        index.replacen("<title>Sanak</title>", &head, 1).replacen(
            "<html lang=\"ky\">",
            &format!("<html lang=\"{}\">", self.language),
            1,
        )
    }
}

/// What the path after the election's id names.
fn subject(definition: &Definition, first: &str, second: &str, language: Language) -> Option<String> {
    let list = |words| Some(language.one_of(words).to_owned());
    match first {
        "missing" => list(MISSING),
        "quarantine" => list(QUARANTINE),
        "corrections" => list(CORRECTIONS),
        "abroad" => list(ABROAD),
        "contest" => {
            let mut of = definition.contests().iter().filter(|contest| contest.of.as_str() == second);
            of.next().map(|contest| language.name(&contest.name).to_owned())
        }
        kind => unit(definition, &format!("{kind}:{second}").parse().ok()?, language),
    }
}

fn unit(definition: &Definition, unit: &UnitId, language: Language) -> Option<String> {
    if let UnitId::Precinct(id) = unit {
        let precinct = definition.precincts().get(id)?;
        let number = format!("{} {id}", language.one_of(PRECINCT));
        return Some(
            [Some(number), place(precinct, language)].into_iter().flatten().collect::<Vec<_>>().join(", "),
        );
    }
    let named = definition.units().get(unit)?.name.as_ref().map(|name| language.name(name).to_owned());
    match (unit, named) {
        (_, Some(name)) if !name.is_empty() => Some(name),
        (UnitId::District(number), _) => Some(format!("{} {number}", language.one_of(DISTRICT))),
        _ => None,
    }
}

/// The place's name; it has none in English.
fn place(precinct: &Precinct, language: Language) -> Option<String> {
    let name = &precinct.name;
    let text = language.one_of([&name.ky, &name.ru, &name.ky]);
    (!text.is_empty()).then(|| text.to_owned())
}

/// Text as it may stand in an element or a quoted attribute.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = "<!doctype html>\n<html lang=\"ky\">\n<head><title>Sanak</title></head></html>";

    #[test]
    fn names_cannot_leave_the_place_they_are_put_in() {
        let preview = Preview {
            language: "en",
            title: "</title><script>alert(1)</script>".to_owned(),
            description: "\" onload='x' & more".to_owned(),
        };
        let page = preview.within(INDEX);
        assert!(!page.contains("<script>"));
        assert!(page.contains("<title>&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt; · Sanak</title>"));
        assert!(page.contains("content=\"&quot; onload=&#39;x&#39; &amp; more\""));
        assert!(page.contains("<html lang=\"en\">"));
    }

    #[test]
    fn a_language_nobody_knows_is_kyrgyz() {
        assert_eq!(
            [None, Some("de"), Some("ru"), Some("en")].map(|text| Language::of(text).code()),
            ["ky", "ky", "ru", "en"]
        );
    }
}
