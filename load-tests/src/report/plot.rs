//! Plots over time as SVG, by ourselves: a page that asks nobody for anything has no library to load.

use std::fmt::Write as _;

/// Size of the drawing area and its margins, in the SVG's own units.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 180.0;
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 26.0;
const TOP: f64 = 10.0;
const RIGHT: f64 = 10.0;
/// Lines through the plot, about.
const RULES: f64 = 4.0;

/// A line of a plot.
#[derive(Debug, Clone)]
pub struct Line {
    /// What it shows.
    pub name: String,
    /// Second and value, in order; a line is broken where nothing is known.
    pub points: Vec<(f64, Option<f64>)>,
}

impl Line {
    /// A line.
    pub fn new(name: &str, points: impl IntoIterator<Item = (f64, Option<f64>)>) -> Self {
        Self { name: name.to_owned(), points: points.into_iter().collect() }
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        self.points.iter().filter_map(|(_, value)| *value)
    }
}

/// A plot over time.
#[derive(Debug, Clone)]
pub struct Plot {
    /// What it shows.
    pub title: String,
    /// Of its values.
    pub unit: String,
    /// Whether values are shown by their order of magnitude.
    pub logarithmic: bool,
    /// A bound that was stated.
    pub bound: Option<f64>,
    /// Its lines.
    pub lines: Vec<Line>,
}

impl Plot {
    /// The plot as a figure of HTML; nothing where no line has a value.
    pub fn figure(&self) -> String {
        if self.lines.iter().all(|line| line.values().next().is_none()) {
            return String::new();
        }
        let (low, high) = self.range();
        let last = self.lines.iter().filter_map(|line| line.points.last()).map(|(second, _)| *second);
        let seconds = last.fold(1.0, f64::max);
        let mut svg = String::new();
        let title = escaped(&self.title);
        // Writing into a text cannot fail.
        let _ = write!(
            svg,
            "<figure><figcaption>{title} <span class=unit>{}</span></figcaption><svg viewBox=\"0 0 {} {}\" role=img \
             aria-label=\"{}\">",
            escaped(&self.unit),
            LEFT + WIDTH + RIGHT,
            TOP + HEIGHT + BOTTOM,
            escaped(&self.told())
        );
        self.rules(&mut svg, (low, high), seconds);
        if let Some(bound) = self.bound.filter(|bound| (low..=high).contains(bound)) {
            let y = self.y(bound, (low, high));
            let _ = write!(svg, "<path class=bound d=\"M{LEFT} {y:.1}h{WIDTH}\"/>");
        }
        for (nth, line) in self.lines.iter().enumerate() {
            let _ =
                write!(svg, "<path class=\"line l{nth}\" d=\"{}\"/>", self.path(line, (low, high), seconds));
        }
        svg.push_str("</svg><p class=legend>");
        for (nth, line) in self.lines.iter().enumerate() {
            let _ = write!(
                svg,
                "<span><svg viewBox=\"0 0 26 8\" aria-hidden=true><path class=\"line l{nth}\" d=\"M1 4h24\"/></svg>{}</span>",
                escaped(&line.name)
            );
        }
        if self.bound.is_some() {
            svg.push_str("<span><svg viewBox=\"0 0 26 8\" aria-hidden=true><path class=bound d=\"M1 4h24\"/></svg>objective</span>");
        }
        svg.push_str("</p></figure>\n");
        svg
    }

    /// The plot in words, for those who do not see it.
    fn told(&self) -> String {
        let mut told = format!("{}, {}.", self.title, self.unit);
        for line in &self.lines {
            let (mut most, mut sum, mut count) = (f64::MIN, 0.0, 0.0);
            for value in line.values() {
                most = most.max(value);
                sum += value;
                count += 1.0;
            }
            if count > 0.0 {
                let _ = write!(
                    told,
                    " {}: {} on average, at most {}.",
                    line.name,
                    short(sum / count),
                    short(most)
                );
            }
        }
        told
    }

    fn range(&self) -> (f64, f64) {
        let values = || self.lines.iter().flat_map(Line::values).chain(self.bound);
        let high = values().fold(0.0, f64::max);
        if self.logarithmic {
            let low = values().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min).max(0.01);
            let low = 10_f64.powf(low.log10().floor());
            (low, 10_f64.powf(high.max(low * 10.0).log10().ceil()))
        } else {
            (0.0, if high > 0.0 { high * 1.05 } else { 1.0 })
        }
    }

    fn y(&self, value: f64, (low, high): (f64, f64)) -> f64 {
        let part = if self.logarithmic {
            (value.max(low).log10() - low.log10()) / (high.log10() - low.log10())
        } else {
            (value - low) / (high - low)
        };
        TOP + HEIGHT * (1.0 - part.clamp(0.0, 1.0))
    }

    fn path(&self, line: &Line, range: (f64, f64), seconds: f64) -> String {
        let (mut path, mut drawing) = (String::new(), false);
        for (second, value) in &line.points {
            let Some(value) = value else {
                drawing = false;
                continue;
            };
            let (x, y) = (LEFT + WIDTH * second / seconds, self.y(*value, range));
            let _ = write!(path, "{}{x:.1} {y:.1}", if drawing { 'L' } else { 'M' });
            drawing = true;
        }
        path
    }

    fn rules(&self, svg: &mut String, range: (f64, f64), seconds: f64) {
        let mut rule = |value: f64| {
            let y = self.y(value, range);
            let _ = write!(
                svg,
                "<path class=rule d=\"M{LEFT} {y:.1}h{WIDTH}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=end>{}</text>",
                LEFT - 6.0,
                y + 4.0,
                short(value)
            );
        };
        if self.logarithmic {
            let mut value = range.0;
            while value <= range.1 * 1.001 {
                rule(value);
                value *= 10.0;
            }
        } else {
            let step = round_step(range.1 / RULES);
            let mut nth = 0.0;
            while nth * step <= range.1 {
                rule(nth * step);
                nth += 1.0;
            }
        }
        let step = round_step(seconds / 6.0).max(1.0);
        let mut nth = 0.0;
        while nth * step <= seconds {
            let x = LEFT + WIDTH * nth * step / seconds;
            let _ = write!(
                svg,
                "<text x=\"{x:.1}\" y=\"{}\" text-anchor=middle>{} s</text>",
                TOP + HEIGHT + 18.0,
                short(nth * step)
            );
            nth += 1.0;
        }
    }
}

/// A round number near this one: 1, 2 or 5 by a power of ten.
fn round_step(about: f64) -> f64 {
    let power = 10_f64.powf(about.max(1e-9).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    steps.into_iter().find(|step| *step >= about).unwrap_or(power * 10.0)
}

/// A number as short as it can be read.
pub fn short(value: f64) -> String {
    let of = |part: f64, suffix: &str| {
        let text = if part >= 100.0 { format!("{part:.0}") } else { format!("{part:.1}") };
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        format!("{text}{suffix}")
    };
    match value.abs() {
        ..0.1 if value != 0.0 => format!("{value:.2}"),
        ..10_000.0 => of(value, ""),
        ..1e6 => of(value / 1e3, " k"),
        ..1e9 => of(value / 1e6, " M"),
        _ => of(value / 1e9, " G"),
    }
}

/// A text that HTML and SVG take as it is.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(logarithmic: bool, values: &[Option<f64>]) -> Plot {
        let points = (0_u32..).map(f64::from).zip(values.iter().copied());
        let lines = vec![Line::new("p99 <of all>", points)];
        Plot { title: "latency".into(), unit: "ms".into(), logarithmic, bound: Some(50.0), lines }
    }

    #[test]
    fn a_line_breaks_where_nothing_is_known() {
        let figure = plot(false, &[Some(1.0), Some(100.0), None, Some(3.0)]).figure();
        let path = figure.split("class=\"line l0\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!((path.matches('M').count(), path.matches('L').count()), (2, 1), "{path}");
        assert!(figure.contains("p99 &lt;of all&gt;") && figure.contains("at most 100"), "{figure}");
    }

    #[test]
    fn what_has_no_value_is_not_drawn() {
        assert_eq!(plot(false, &[None, None]).figure(), "");
    }

    #[test]
    fn orders_of_magnitude_have_a_rule_each() {
        let figure = plot(true, &[Some(0.5), Some(900.0)]).figure();
        for rule in [">0.1<", ">1<", ">10<", ">100<", ">1000<"] {
            assert!(figure.contains(rule), "{rule}");
        }
    }

    #[test]
    fn numbers_are_short() {
        let texts = [0.0, 0.05, 1.0, 12.34, 999.6, 8_000.0, 12_500.0, 3_200_000.0, 2.5e9].map(short);
        assert_eq!(texts, ["0", "0.05", "1", "12.3", "1000", "8000", "12.5 k", "3.2 M", "2.5 G"]);
    }
}
