//! `/embed/{map,results,turnout,progress}`: one element in a page of its own, to be framed by any other.

use actix_web::{HttpRequest, HttpResponse};
use election::UnitId;
use std::sync::Arc;

use crate::{
    address::{self, Subject},
    answer::{Answer, Keep},
    api::fixed::tag,
    language::Language,
    plain::{self, html::escaped},
    preview::Preview,
    problem::Problem,
    query::Query,
    state::App,
};

/// What can be embedded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Map,
    Results,
    Turnout,
    Progress,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Map, Self::Results, Self::Turnout, Self::Progress];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Map => "map",
            Self::Results => "results",
            Self::Turnout => "turnout",
            Self::Progress => "progress",
        }
    }

    /// Height in px at which most of it is seen before it has said its own.
    pub(crate) fn height(self) -> u32 {
        match self {
            Self::Map => 520,
            Self::Results => 640,
            Self::Turnout => 320,
            Self::Progress => 320,
        }
    }

    /// Of a path such as `/embed/map`.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let name = path.strip_prefix("/embed/")?;
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Attributes that the element reads, and how long a value may be. What they mean is the element's to judge.
const ATTRIBUTES: [&str; 10] =
    ["election", "contest", "unit", "source", "mode", "theme", "ink", "ground", "accent", "font"];
const LONGEST: usize = 64;

/// A frame; the plain table of its unit stands in the element until that has drawn itself.
pub(crate) async fn frame(request: &HttpRequest, app: &App, kind: Kind) -> Result<HttpResponse, Problem> {
    let query = Query::of(request)?;
    let language = Language::of(query.get("lang")?);
    let definition = app.definition();
    let mut attributes = format!(" lang=\"{}\"", language.code());
    for name in ATTRIBUTES {
        if let Some(value) = query.get(name)? {
            if value.len() > LONGEST {
                return Err(Problem::bad(format!("{name} has at most {LONGEST} characters")));
            }
            attributes.push_str(&format!(" {name}=\"{}\"", escaped(value)));
        }
    }
    if let Some(election) = query.get("election")? {
        app.election(election)?;
    }
    let unit = match query.get("unit")? {
        Some(text) => app.unit(text)?,
        None => UnitId::Country,
    };
    if let Some(of) = query.get("contest")?
        && !definition.contests().iter().any(|each| each.of.as_str() == of || each.id.as_str() == of)
    {
        return Err(Problem::not_found("there is no such contest in this election"));
    }
    let question = format!("frame {} {attributes} {}", kind.name(), crate::api::results::tag(&app.latest()));
    let subject = Subject::Unit(unit.clone());
    let make = async || {
        let preview = Preview::of(definition, Some(&subject), language);
        let canonical = format!("/{}{}", definition.about().id, subject.path());
        let name = kind.name();
        let table = plain::frame(app, &unit, language)?;
        Ok(format!(
            "<!doctype html>\n<html lang=\"{}\" data-sanak-frame>\n<head>\n<meta charset=\"utf-8\" />\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n\
             <meta name=\"robots\" content=\"noindex\" />\n<title>{}</title>\n\
             <link rel=\"canonical\" href=\"{}\" />\n<link rel=\"stylesheet\" href=\"/embed/frame.css\" />\n\
             <script src=\"/embed/sanak.js\" async></script>\n</head>\n<body>\n\
             <sanak-{name}{attributes}>\n{table}</sanak-{name}>\n</body>\n</html>\n",
            language.code(),
            escaped(preview.title()),
            escaped(&canonical),
        )
        .into())
    };
    let body = app.recent.answer(question, make).await?;
    let tag = tag(body.plain());
    Answer {
        body: Arc::clone(&body),
        content_type: "text/html; charset=utf-8",
        tag: Some(tag),
        keep: Keep::Latest,
        source: None,
    }
    .to(request)
    .await
}

/// Which frame stands for an address of the page: its results, or of a contest in districts the map of them.
pub(super) fn of_page(app: &App, path: &str) -> Option<(Kind, Vec<(&'static str, String)>)> {
    match Subject::of(app.definition(), path)? {
        Subject::Unit(UnitId::Country) => Some((Kind::Results, Vec::new())),
        Subject::Unit(unit) => Some((Kind::Results, vec![("unit", unit.to_string())])),
        Subject::Contest(of) => {
            let country =
                address::group(app.definition(), &of).any(|contest| contest.unit == UnitId::Country);
            Some((if country { Kind::Results } else { Kind::Map }, vec![("contest", of)]))
        }
        Subject::List(_) => Some((Kind::Progress, Vec::new())),
        Subject::Page(_) => None,
    }
}
