//! How cost grows with the country: the same rehearsal of countries of several sizes, one plot.
//!
//! Both axes are by orders of magnitude, and everything is a multiple of what the smallest takes: a cost that grows as the
//! country does lies on the diagonal, one that grows faster rises above it.

use std::fmt::Write as _;

use crate::rehearsal::Outcome;

use super::{
    compare::Form,
    page::document,
    plot::{escaped, short},
};

/// Size of the drawing area and its margins, in the SVG's own units.
const SIDE: f64 = 420.0;
const LEFT: f64 = 56.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 42.0;
const RIGHT: f64 = 16.0;

/// A cost that doubles with the country has the exponent 1; measurement is not so exact that 1.1 says more.
const LINEAR: f64 = 1.1;

/// A country of one size.
#[derive(Debug, Clone)]
pub struct Size {
    /// What its rehearsal found.
    pub found: Outcome,
    /// Until the service was ready, with nothing on record, seconds.
    pub ready: Option<f64>,
    /// Until it was ready again with the night on record, seconds.
    pub ready_again: Option<f64>,
}

/// A cost in every size, the smallest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    /// Which.
    pub what: &'static str,
    /// How it is written.
    pub form: Form,
    /// For each size; `None` where it was not measured.
    pub values: Vec<Option<f64>>,
    /// Precincts of each size.
    sizes: Vec<f64>,
    /// Whether it may grow with the country; what a single report or reader waits for may not.
    pub in_all: bool,
}

impl Cost {
    /// By which power of the size it grows, from the smallest to the largest that were measured.
    pub fn exponent(&self) -> Option<f64> {
        let known: Vec<(f64, f64)> = self.known().collect();
        power(*known.first()?, *known.last()?)
    }

    /// Whether it grows faster than the country, as a whole or in its last step: what the smallest takes is mostly what
    /// any takes, and hides how the large ones grow.
    pub fn is_worse_than_linear(&self) -> bool {
        let known: Vec<(f64, f64)> = self.known().collect();
        let last = known.last_chunk::<2>().and_then(|[from, to]| power(*from, *to));
        self.exponent().into_iter().chain(last).any(|exponent| exponent > LINEAR)
    }

    fn known(&self) -> impl Iterator<Item = (f64, f64)> {
        self.sizes.iter().zip(&self.values).filter_map(|(size, value)| Some((*size, (*value)?)))
    }
}

/// By which power of the size a cost grows from one size to another.
fn power((small, low): (f64, f64), (large, high): (f64, f64)) -> Option<f64> {
    (large > small && low > 0.0 && high > 0.0).then(|| (high / low).ln() / (large / small).ln())
}

/// The costs of all sizes, which are put in their order.
pub fn costs(sizes: &mut [Size]) -> Vec<Cost> {
    sizes.sort_by_key(|size| size.found.precincts);
    let cost = |what, form, in_all, of: fn(&Size) -> Option<f64>| Cost {
        what,
        form,
        in_all,
        values: sizes.iter().map(of).collect(),
        sizes: sizes.iter().map(|size| size.found.precincts as f64).collect(),
    };
    vec![
        cost("processor of the service, in all", Form::Seconds, true, |of| of.found.cost.service_seconds),
        cost("most memory of the service", Form::Bytes, true, |of| {
            of.found.cost.service_bytes.map(|bytes| bytes as f64)
        }),
        cost("ready, with nothing on record", Form::Seconds, true, |of| of.ready),
        cost("ready again, with the night on record", Form::Seconds, true, |of| of.ready_again),
        cost("processor of the service a report", Form::Us, false, |of| of.found.cost.service_us_a_report),
        cost("publish to receipt, p50", Form::Ms, false, |of| Some(of.found.receipt.p50)),
        cost("publish to receipt, p99", Form::Ms, false, |of| Some(of.found.receipt.p99)),
    ]
}

/// The costs as a table for a terminal.
pub fn growth_table(costs: &[Cost]) -> String {
    let sizes = costs.first().map_or(&[][..], |cost| &cost.sizes);
    let mut table = format!("{:<38}", "precincts");
    sizes.iter().for_each(|size| table.push_str(&format!("{:>11}", short(*size))));
    table.push_str("   grows as size to the\n");
    for cost in costs {
        // Writing into a text cannot fail.
        let _ = write!(table, "{:<38}", cost.what);
        cost.values.iter().for_each(|value| table.push_str(&format!("{:>11}", cost.form.text(*value))));
        let _ = writeln!(table, "   {}", told(cost));
    }
    table
}

fn told(cost: &Cost) -> String {
    match cost.exponent() {
        None => String::new(),
        Some(exponent) if cost.in_all && cost.is_worse_than_linear() => {
            format!("{exponent:.2}, worse than linear")
        }
        Some(exponent) => format!("{exponent:.2}"),
    }
}

/// The costs as a page with the plot.
pub fn growth_page(costs: &[Cost]) -> String {
    let mut body = String::from("<h1>How cost grows with the country</h1>\n");
    body.push_str(
        "<p>Every cost as a multiple of what the smallest country takes, by orders of magnitude. What grows as the country \
         does lies on the dotted diagonal; what lies above it grows faster.</p>\n",
    );
    figure(&mut body, costs);
    body.push_str("<table class=numbers><thead><tr><th scope=col>precincts");
    let sizes = costs.first().map_or(&[][..], |cost| &cost.sizes);
    sizes.iter().for_each(|size| body.push_str(&format!("<th scope=col>{}", short(*size))));
    body.push_str("<th scope=col>grows as size to the</tr></thead><tbody>");
    for cost in costs {
        let _ = write!(body, "<tr><th scope=row>{}", escaped(cost.what));
        cost.values.iter().for_each(|value| body.push_str(&format!("<td>{}", cost.form.text(*value))));
        let class = if cost.in_all && cost.is_worse_than_linear() { " class=worse" } else { "" };
        let _ = write!(body, "<td{class}>{}</tr>", told(cost));
    }
    body.push_str("</tbody></table>");
    document("How cost grows with the country", &body)
}

/// Multiples of the smallest: x of its size, y of its cost.
struct Scale {
    most: f64,
}

impl Scale {
    fn x(&self, factor: f64) -> f64 {
        LEFT + SIDE * factor.ln() / self.most.ln()
    }

    fn y(&self, factor: f64) -> f64 {
        // A fall below the smallest's is drawn a little below the line of 1.
        TOP + SIDE * (1.0 - (factor.max(0.5).ln() / self.most.ln()).min(1.0))
    }
}

fn figure(body: &mut String, costs: &[Cost]) {
    let drawn: Vec<&Cost> =
        costs.iter().filter(|cost| cost.in_all && cost.known().nth(1).is_some()).collect();
    let factors = |cost: &Cost| -> Vec<(f64, f64)> {
        let known: Vec<(f64, f64)> = cost.known().collect();
        let (size, value) = known[0];
        known.into_iter().map(|(at, of)| (at / size, of / value)).collect()
    };
    let most = drawn.iter().flat_map(|cost| factors(cost)).fold(4.0, |most, (x, y)| x.max(y).max(most));
    let scale = Scale { most };
    let _ = write!(
        body,
        "<figure><figcaption>Cost of the whole country <span class=unit>× the smallest</span></figcaption><svg viewBox=\"0 0 \
         {} {}\" style=\"max-width:34rem\" role=img aria-label=\"{}\">",
        LEFT + SIDE + RIGHT,
        TOP + SIDE + BOTTOM,
        escaped(&growth_table(costs).replace('\n', ". "))
    );
    let mut at = 1.0;
    while at <= most * 1.001 {
        let (x, y) = (scale.x(at), scale.y(at));
        let _ = write!(
            body,
            "<path class=rule d=\"M{LEFT} {y:.1}h{SIDE}M{x:.1} {TOP}v{SIDE}\"/><text x=\"{}\" y=\"{:.1}\" \
             text-anchor=end>{at}</text><text x=\"{x:.1}\" y=\"{}\" text-anchor=middle>{at}</text>",
            LEFT - 6.0,
            y + 4.0,
            TOP + SIDE + 18.0
        );
        at *= 4.0;
    }
    let _ = write!(
        body,
        "<text x=\"{}\" y=\"{}\" text-anchor=middle>precincts, × the smallest</text><path class=bound d=\"M{:.1} \
         {:.1}L{:.1} {:.1}\"/>",
        LEFT + SIDE / 2.0,
        TOP + SIDE + 36.0,
        scale.x(1.0),
        scale.y(1.0),
        scale.x(most),
        scale.y(most)
    );
    for (nth, cost) in drawn.iter().enumerate() {
        let points = factors(cost).into_iter().map(|(x, y)| format!("{:.1} {:.1}", scale.x(x), scale.y(y)));
        let _ = write!(body, "<path class=\"line l{nth}\" d=\"M{}\"/>", points.collect::<Vec<_>>().join("L"));
    }
    body.push_str("</svg><p class=legend>");
    for (nth, cost) in drawn.iter().enumerate() {
        let _ = write!(
            body,
            "<span><svg viewBox=\"0 0 26 8\" aria-hidden=true><path class=\"line l{nth}\" d=\"M1 4h24\"/></svg>{}</span>",
            escaped(cost.what)
        );
    }
    body.push_str("<span><svg viewBox=\"0 0 26 8\" aria-hidden=true><path class=bound d=\"M1 4h24\"/></svg>as the country grows</span></p></figure>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(values: &[Option<f64>]) -> Cost {
        let sizes = (0_i32..).map(|nth| 600.0 * 4_f64.powi(nth)).take(values.len()).collect();
        Cost { what: "memory & more", form: Form::Seconds, values: values.to_vec(), sizes, in_all: true }
    }

    #[test]
    fn what_doubles_with_the_country_grows_as_its_size() {
        let linear = cost(&[Some(1.0), Some(4.0), Some(16.0), Some(64.0)]);
        assert!((linear.exponent().unwrap() - 1.0).abs() < 1e-9 && !linear.is_worse_than_linear());
        let square = cost(&[Some(1.0), None, Some(256.0)]);
        assert!((square.exponent().unwrap() - 2.0).abs() < 1e-9 && square.is_worse_than_linear());
        assert_eq!(cost(&[Some(1.0), None]).exponent(), None, "one size says nothing");
        let hidden = cost(&[Some(100.0), Some(101.0), Some(116.0), Some(356.0), Some(4_196.0)]);
        assert!(hidden.exponent().unwrap() < 1.0 && hidden.is_worse_than_linear(), "its last step tells");
    }

    #[test]
    fn what_grows_faster_than_the_country_is_told_so() {
        let costs = [cost(&[Some(1.0), Some(16.0)]), cost(&[Some(1.0), Some(2.0)])];
        let table = growth_table(&costs);
        assert_eq!(table.matches("2.00, worse than linear").count(), 1, "{table}");
        let page = growth_page(&costs);
        assert!(page.contains("class=worse>2.00") && page.contains("memory &amp; more"), "{page}");
        assert_eq!(page.matches("class=\"line l").count(), 4, "two lines and their legend: {page}");
    }
}
