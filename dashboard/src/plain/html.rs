//! HTML, in which every text that comes from elsewhere is escaped in one place.

/// Text as it may stand in an element or a quoted attribute.
pub(crate) fn escaped(text: &str) -> String {
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

/// A piece of a page, well-formed.
#[derive(Default)]
pub(crate) struct Html(String);

impl Html {
    /// An element with a text.
    pub(crate) fn text(&mut self, element: &'static str, text: &str) -> &mut Self {
        self.0.push_str(&format!("<{element}>{}</{element}>\n", escaped(text)));
        self
    }

    /// A link in a paragraph of its own.
    pub(crate) fn links<'a>(&mut self, links: impl Iterator<Item = &'a Link>) -> &mut Self {
        let links: Vec<String> = links.map(Link::html).collect();
        if !links.is_empty() {
            self.0.push_str(&format!("<p>{}</p>\n", links.join(" · ")));
        }
        self
    }

    /// A table; the first cell of a row is its head.
    pub(crate) fn table(&mut self, caption: &str, heads: &[&str], rows: Vec<Vec<Cell>>) -> &mut Self {
        let heads: String =
            heads.iter().map(|head| format!("<th scope=\"col\">{}</th>", escaped(head))).collect();
        self.0.push_str(&format!(
            "<table>\n<caption>{}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n",
            escaped(caption)
        ));
        for row in rows {
            let cells: String = row.iter().enumerate().map(|(at, cell)| cell.html(at == 0)).collect();
            self.0.push_str(&format!("<tr>{cells}</tr>\n"));
        }
        self.0.push_str("</tbody>\n</table>\n");
        self
    }

    pub(crate) fn end(self) -> String {
        self.0
    }
}

/// A link within the site, or to a part of the page's data.
pub(crate) struct Link {
    pub href: String,
    pub text: String,
}

impl Link {
    pub(crate) fn to(href: impl Into<String>, text: impl Into<String>) -> Self {
        Self { href: href.into(), text: text.into() }
    }

    fn html(&self) -> String {
        format!("<a href=\"{}\">{}</a>", escaped(&self.href), escaped(&self.text))
    }
}

/// A cell of a table.
pub(crate) enum Cell {
    Text(String),
    /// To the right, digits under digits.
    Number(String),
    Link(Link),
}

impl Cell {
    fn html(&self, head: bool) -> String {
        let (class, inner) = match self {
            Self::Text(text) => ("", escaped(text)),
            Self::Number(text) => (" class=\"num\"", escaped(text)),
            Self::Link(link) => ("", link.html()),
        };
        if head {
            format!("<th scope=\"row\"{class}>{inner}</th>")
        } else {
            format!("<td{class}>{inner}</td>")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_leaves_the_place_it_is_put_in() {
        let evil = "</td><script>alert(\"1\")</script>' onload='x' & \u{202e}more";
        let mut html = Html::default();
        html.text("p", evil).links([Link::to(evil, evil)].iter());
        html.table(
            evil,
            &[evil],
            vec![vec![Cell::Text(evil.into()), Cell::Number(evil.into()), Cell::Link(Link::to(evil, evil))]],
        );
        let html = html.end();
        assert!(!html.contains("<script") && !html.contains("\"1\"") && !html.contains("' onload"));
        assert_eq!(html.matches("&lt;/td&gt;&lt;script&gt;").count(), 9);
    }
}
