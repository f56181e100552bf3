//! What stands after the `?`, bounded and read once.

use std::str::FromStr;

use actix_web::HttpRequest;

use crate::problem::Problem;

/// Longest query that is read: five hundred units by name.
const LONGEST: usize = 16 << 10;

/// Names and values of a query. Names that nobody asks for are passed over.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let text = request.query_string();
        if text.len() > LONGEST {
            return Err(Problem::bad(format!("a query has at most {LONGEST} characters")));
        }
        Ok(Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect()))
    }

    /// The value of a name that may stand once.
    pub(crate) fn get(&self, name: &str) -> Result<Option<&str>, Problem> {
        let mut values = self.0.iter().filter(|(of, _)| of == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Problem::bad(format!("{name} stands in the query twice"))),
            (value, None) => Ok(value),
        }
    }

    /// The value of a name, read as what it should be.
    pub(crate) fn read<T: FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<Option<T>, Problem> {
        let Some(text) = self.get(name)? else { return Ok(None) };
        text.parse().map(Some).map_err(|error| Problem::bad(format!("{name}: {error}")))
    }

    /// One of a few words; the first stands for a name that is absent.
    pub(crate) fn one_of<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<T, Problem> {
        let text = self.get(name)?.unwrap_or(words[0].0);
        words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            Problem::bad(format!("{name} is one of {}", words.join(", ")))
        })
    }
}
