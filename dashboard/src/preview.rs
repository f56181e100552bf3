//! What an address of the page is about, in the page's head and in its body: for link previews, for pages that embed
//! what they link to, and for readers without script.

use election::Definition;

use crate::{
    address::Subject,
    language::{Language, Words},
    plain::html::escaped,
};

const SIMULATION: Words = ["Тесттик маалымат", "Тестовые данные", "Simulation"];
const DESCRIPTION: Words = [
    "Катышуу, добуштардын эсеби жана мандаттар: ар бир участкага чейин, кол коюлган билдирүүлөрү менен.",
    "Явка, подсчёт голосов и мандаты: до каждого участка, с подписанными сообщениями устройств.",
    "Turnout, the count and the seats: down to every precinct, with the signed reports they are made of.",
];
const INVENTED: Words = [
    "Тесттик маалымат: бул шайлоонун жыйынтыгы эмес.",
    "Тестовые данные: итогами выборов это не является.",
    "Simulation: nothing here is a result.",
];
/// Where the page's program draws, as the page's tools wrote it.
const STAGE: &str = "<div id=\"app\"></div>";

/// Title and description of one address.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Preview {
    language: &'static str,
    title: String,
    description: String,
}

impl Preview {
    /// Of what an address is about; of the election where it is about nothing here.
    pub(crate) fn of(definition: &Definition, subject: Option<&Subject>, language: Language) -> Self {
        let about = definition.about();
        let mut title: Vec<String> = Vec::new();
        title.extend(about.test.then(|| language.word(SIMULATION).to_owned()));
        title.extend(subject.map(|of| of.title(definition, language)).filter(|text| !text.is_empty()));
        title.push(language.name(&about.name).to_owned());
        let mut description = format!("{}. {}", about.date, language.word(DESCRIPTION));
        if about.test {
            description = format!("{} {description}", language.word(INVENTED));
        }
        Self { language: language.code(), title: title.join(" · "), description }
    }

    /// The title, most special first.
    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// The page with this in its head, with what can be embedded of it, with what its program begins with, and with its
    /// tables for those without script.
    pub(crate) fn within(&self, index: &str, embeddable: Option<&str>, begins: &str, tables: &str) -> String {
        let (title, description) = (escaped(&self.title), escaped(&self.description));
        let mut head = format!(
            "<title>{title} · Sanak</title>\n    <meta name=\"description\" content=\"{description}\" />\n    \
             <meta property=\"og:type\" content=\"website\" />\n    \
             <meta property=\"og:site_name\" content=\"Sanak\" />\n    \
             <meta property=\"og:title\" content=\"{title}\" />\n    \
             <meta property=\"og:description\" content=\"{description}\" />\n    \
             <meta name=\"twitter:card\" content=\"summary\" />"
        );
        if let Some(address) = embeddable {
            head.push_str(&format!(
                "\n    <link rel=\"alternate\" type=\"application/json+oembed\" href=\"{}\" title=\"{title}\" />",
                escaped(address)
            ));
        }
        head.push_str(begins);
        let stage = format!("<main id=\"plain\">\n{tables}</main>\n    {STAGE}");
        index
            .replacen("<title>Sanak</title>", &head, 1)
            .replacen("<html lang=\"ky\">", &format!("<html lang=\"{}\">", self.language), 1)
            .replacen(STAGE, &stage, 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = "<!doctype html>\n<html lang=\"ky\">\n<head><title>Sanak</title></head><body><div id=\"app\"></div></body></html>";

    #[test]
    fn names_cannot_leave_the_place_they_are_put_in() {
        let preview = Preview {
            language: "en",
            title: "</title><script>alert(1)</script>".to_owned(),
            description: "\" onload='x' & more".to_owned(),
        };
        let page = preview.within(INDEX, Some("/oembed?url=\"><b>"), "<meta name=\"x\" />", "<p>tables</p>");
        assert!(!page.contains("<script>") && !page.contains("<b>"));
        assert!(page.contains("<title>&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt; · Sanak</title>"));
        assert!(page.contains("content=\"&quot; onload=&#39;x&#39; &amp; more\""));
        assert!(page.contains("<html lang=\"en\">") && page.contains("<meta name=\"x\" /></head>"));
        assert!(page.contains("<main id=\"plain\">\n<p>tables</p></main>\n    <div id=\"app\"></div>"));
    }
}
