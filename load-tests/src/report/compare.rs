//! Two rehearsals side by side.

use std::fmt::Write as _;

use crate::rehearsal::Outcome;

use super::{
    page::{bytes, document},
    plot::{escaped, short},
};

/// Which way a figure is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Less of it.
    Less,
    /// More of it.
    More,
    /// It is what it is.
    Neither,
}

/// A figure of both.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Which.
    pub what: &'static str,
    /// Of the first and of the second; `None` where it was not measured.
    pub values: [Option<f64>; 2],
    /// How it is written.
    pub form: Form,
    /// Which way is better.
    pub better: Better,
}

/// How a figure is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A number.
    Number,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
}

impl Form {
    /// A value in words; a dash where it was not measured.
    pub fn text(self, value: Option<f64>) -> String {
        match (value, self) {
            (None, _) => "–".to_owned(),
            (Some(value), Self::Number) => short(value),
            (Some(value), Self::Ms) => format!("{} ms", short(value)),
            (Some(value), Self::Us) => format!("{} µs", short(value)),
            (Some(value), Self::Seconds) => format!("{} s", short(value)),
            (Some(value), Self::Bytes) => bytes(value),
        }
    }
}

impl Row {
    /// A value in words.
    pub fn text(&self, of: usize) -> String {
        self.form.text(self.values[of])
    }

    /// By how much the second is more than the first, in percent.
    pub fn change(&self) -> Option<f64> {
        let [first, second] = self.values;
        let (first, second) = (first?, second?);
        (first != 0.0).then(|| (second / first - 1.0) * 100.0)
    }

    fn change_text(&self) -> String {
        match (self.change(), self.values) {
            (Some(change), _) => format!("{change:+.0} %"),
            (None, [Some(first), Some(second)]) if first == second => "+0 %".to_owned(),
            _ => String::new(),
        }
    }

    /// Whether the second is better by more than one in twenty, or worse.
    fn tells(&self) -> &'static str {
        match (self.change(), self.better) {
            (Some(change), Better::Less) if change < -5.0 => "better",
            (Some(change), Better::More) if change > 5.0 => "better",
            (Some(change), Better::Less) if change > 5.0 => "worse",
            (Some(change), Better::More) if change < -5.0 => "worse",
            _ => "",
        }
    }
}

/// The figures of both.
pub fn rows(first: &Outcome, second: &Outcome) -> Vec<Row> {
    use Better::{Less, More, Neither};
    use Form::{Bytes, Ms, Number, Us};
    let both = [first, second];
    let row = |what, better, form, of: fn(&Outcome) -> Option<f64>| Row {
        what,
        values: both.map(of),
        form,
        better,
    };
    let measured = |what, of: fn(&Outcome) -> (u64, f64)| Row {
        what,
        values: both.map(|outcome| Some(of(outcome)).filter(|(count, _)| *count > 0).map(|(_, value)| value)),
        form: Ms,
        better: Less,
    };
    vec![
        row("devices", Neither, Number, |of| Some(of.counts.devices as f64)),
        row("reports", Neither, Number, |of| Some(of.counts.reports as f64)),
        row("reports receipted a second", More, Number, |of| Some(of.rate)),
        row("reports without a receipt", Less, Number, |of| Some(of.counts.lost as f64)),
        row("unexpected answers", Less, Number, |of| Some(of.counts.unexpected as f64)),
        row("figures that differ", Less, Number, |of| Some(of.totals.differ as f64)),
        measured("publish to receipt, p50", |of| (of.receipt.count, of.receipt.p50)),
        measured("publish to receipt, p99", |of| (of.receipt.count, of.receipt.p99)),
        measured("publish to receipt, all", |of| (of.receipt.count, of.receipt.max)),
        measured("publish to frame, p50", |of| (of.frame.count, of.frame.p50)),
        measured("publish to frame, p99", |of| (of.frame.count, of.frame.p99)),
        measured("publish to frame, all", |of| (of.frame.count, of.frame.max)),
        row("frames taken", Neither, Number, |of| of.viewers.as_ref().map(|seen| seen.frames as f64)),
        row("invariants broken", Less, Number, |of| of.viewers.as_ref().map(|seen| seen.breaches as f64)),
        row("processor of the service a report", Less, Us, |of| of.cost.service_us_a_report),
        row("one verification of a signature", Neither, Us, |of| Some(of.cost.verify_us)),
        row("verifications a report", Less, Number, |of| of.cost.verifies_a_report),
        row("one verification under load", Neither, Us, |of| of.cost.verify_under_load_us),
        row("of such a report", Less, Number, |of| of.cost.verifies_a_report_under_load),
        row("most memory of the service", Less, Bytes, |of| of.cost.service_bytes.map(|bytes| bytes as f64)),
        row("memory of the service a device", Less, Bytes, |of| of.cost.service_bytes_a_device),
        row("load average before", Neither, Number, |of| Some(of.machine.load[0])),
    ]
}

/// Two rehearsals as a table for a terminal.
pub fn table(first: &Outcome, second: &Outcome) -> String {
    let mut table = format!("{:<36}{:>14}{:>14}{:>10}\n", "", name(first), name(second), "change");
    for row in rows(first, second) {
        // Writing into a text cannot fail.
        let _ = writeln!(
            table,
            "{:<36}{:>14}{:>14}{:>10}{}",
            row.what,
            row.text(0),
            row.text(1),
            row.change_text(),
            match row.tells() {
                "" => String::new(),
                tells => format!("  {tells}"),
            }
        );
    }
    table
}

/// Two rehearsals as a page.
pub fn comparison(first: &Outcome, second: &Outcome) -> String {
    let mut body = format!(
        "<h1>Two rehearsals</h1><p>{} ({}) and {} ({}).</p><table><thead><tr><th scope=col>figure<th scope=col>first<th \
         scope=col>second<th scope=col>change</tr></thead><tbody>",
        escaped(&first.scenario.title),
        first.started,
        escaped(&second.scenario.title),
        second.started
    );
    for row in rows(first, second) {
        let _ = write!(
            body,
            "<tr><th scope=row>{}<td>{}<td>{}<td class=\"{}\">{}{}</tr>",
            row.what,
            row.text(0),
            row.text(1),
            row.tells(),
            row.change_text(),
            match row.tells() {
                "" => String::new(),
                tells => format!(", {tells}"),
            }
        );
    }
    body.push_str("</tbody></table>");
    document("Two rehearsals", &body)
}

fn name(of: &Outcome) -> String {
    let name =
        std::path::Path::new(&of.name).file_stem().and_then(|stem| stem.to_str()).unwrap_or("rehearsal");
    name.chars().take(13).collect()
}
