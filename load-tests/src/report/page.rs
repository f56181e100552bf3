//! A rehearsal as one page that asks nobody for anything.

use std::fmt::Write as _;

use crate::rehearsal::{Latency, Look, Outcome, Step};

use super::plot::{Line, Plot, escaped, short};

const STYLE: &str = include_str!("page.css");

/// The whole page.
pub fn page(outcome: &Outcome) -> String {
    let mut body = String::new();
    head(&mut body, outcome);
    verdict(&mut body, outcome);
    figures(&mut body, outcome);
    body.push_str("<h2>Over time</h2>\n");
    plots(outcome).iter().for_each(|plot| body.push_str(&plot.figure()));
    troubles(&mut body, outcome);
    steps(&mut body, &outcome.steps);
    document(&outcome.scenario.title, &body)
}

/// A document around a body.
pub fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8><meta name=viewport \
         content=\"width=device-width,initial-scale=1\"><title>{}</title><style>{STYLE}</style></head><body><main>\n{body}\n\
         </main></body></html>\n",
        escaped(title)
    )
}

fn head(body: &mut String, of: &Outcome) {
    let load = of.machine.load.map(|load| format!("{load:.1}"));
    // Writing into a text cannot fail.
    let _ = write!(
        body,
        "<h1>{}</h1>\n<p>{}</p>\n<p class=meta>{} · election {} with {} precincts · {} · seed {} · {} s · {} processors, load \
         average {} before and {} after</p>\n",
        escaped(&of.scenario.title),
        escaped(of.scenario.about.trim()),
        of.started,
        escaped(&of.election),
        of.precincts,
        of.transport,
        of.seed,
        short(of.seconds),
        of.machine.processors,
        load[0],
        load[1]
    );
}

fn verdict(body: &mut String, of: &Outcome) {
    let missed = of.objectives.iter().filter(|objective| !objective.met).count();
    let (class, told) = match missed {
        0 => ("good", "Everything held.".to_owned()),
        1 => ("bad", "One objective was missed.".to_owned()),
        _ => ("bad", format!("{missed} objectives were missed.")),
    };
    let _ = write!(
        body,
        "<p class=\"verdict {class}\" role=status>{told}</p>\n<table><thead><tr><th scope=col>objective<th scope=col>wanted<th \
         scope=col>was<th scope=col>held</tr></thead><tbody>"
    );
    for objective in &of.objectives {
        let (class, held) = if objective.met { ("better", "✓ yes") } else { ("worse", "✗ no") };
        let _ = write!(
            body,
            "<tr><th scope=row>{}<td>{}<td>{}<td class={class}>{held}</tr>",
            escaped(&objective.what),
            escaped(&objective.wanted),
            escaped(&objective.was)
        );
    }
    body.push_str("</tbody></table>\n");
}

fn figures(body: &mut String, of: &Outcome) {
    let (counts, cost) = (of.counts, of.cost);
    let mut rows: Vec<(&str, String)> = vec![
        (
            "devices",
            format!("{}, {} on line at once, {} attempts", counts.devices, counts.connected, counts.attempts),
        ),
        ("reports", format!("{} made, {} messages with repetitions", counts.reports, counts.messages)),
        (
            "receipts",
            format!("{}, {} of them duplicates and {} held", counts.receipts, counts.duplicates, counts.held),
        ),
        ("receipted a second", short(of.rate)),
        (
            "totals",
            format!(
                "{} figures compared, {} differ; {}",
                of.totals.figures, of.totals.differ, of.totals.note
            ),
        ),
    ];
    let all = |name: &'static str, of: Latency| (of.count > 0).then(|| (name, distribution(of)));
    rows.extend(all("publish to receipt", of.receipt));
    rows.extend(all("publish to a viewer's frame", of.frame));
    for stretch in &of.stretches {
        let from = short(stretch.from);
        for (name, of) in [("receipt", stretch.receipt), ("frame", stretch.frame)] {
            rows.push(("of that, between marks", format!("{name}, from {from} s: {}", distribution(of))));
        }
    }
    if counts.hostile > 0 {
        rows.push(("sent to be refused", counts.hostile.to_string()));
    }
    if let (Some(us), Some(verifies)) = (cost.service_us_a_report, cost.verifies_a_report) {
        let verify = cost.verify_us;
        rows.push((
            "service's processor a report",
            format!("{us} µs, {verifies} × one verification of {verify} µs after it"),
        ));
    }
    if let (Some(one), Some(verifies)) = (cost.verify_under_load_us, cost.verifies_a_report_under_load) {
        rows.push((
            "the same, under load",
            format!("{verifies} × one verification of {one} µs meanwhile, by the clock"),
        ));
    }
    if let Some(most) = cost.service_bytes {
        let each =
            cost.service_bytes_a_device.map_or(String::new(), |each| format!(", {} a device", bytes(each)));
        rows.push(("service's memory", format!("{} at most{each}", bytes(most as f64))));
    }
    rows.push((
        "this fleet's own cost",
        format!("{} s of processor, {}", short(cost.own_seconds), bytes(cost.own_bytes as f64)),
    ));
    if let Some(seen) = &of.viewers {
        rows.push((
            "viewers",
            format!("{} of {} on line, {} endings", seen.connected, seen.asked, seen.ended),
        ));
        rows.push((
            "frames",
            format!(
                "{} taken, {}, {} distinct ones checked in full",
                seen.frames,
                bytes(seen.bytes as f64),
                seen.distinct
            ),
        ));
        let spread = seen.spread;
        rows.push((
            "from the first viewer to the others",
            format!(
                "p50 {}, p99 {}, all within {} ms",
                short(spread.p50),
                short(spread.p99),
                short(spread.max)
            ),
        ));
    }
    body.push_str("<h2>Figures</h2>\n<table class=figures><tbody>");
    for (what, text) in rows {
        let _ = write!(body, "<tr><th scope=row>{what}<td>{}</tr>", escaped(&text));
    }
    body.push_str("</tbody></table>\n");
}

fn distribution(of: Latency) -> String {
    let [p50, p90, p99, p999, max] = [of.p50, of.p90, of.p99, of.p999, of.max].map(short);
    format!("p50 {p50}, p90 {p90}, p99 {p99}, p99.9 {p999}, all within {max} ms; {} measured", of.count)
}

fn plots(of: &Outcome) -> Vec<Plot> {
    let objectives = &of.scenario.objectives;
    let ms = |span: Option<crate::rehearsal::Span>| span.map(|span| span.0.as_secs_f64() * 1_000.0);
    let step = of.steps.get(1).map_or(1.0, |step| step.second.max(1.0));
    let over = |name: &str, value: &dyn Fn(&Step) -> Option<f64>| {
        Line::new(name, of.steps.iter().map(|step| (step.second, value(step))))
    };
    let looked = |name: &str, value: &dyn Fn(&Look) -> Option<f64>| {
        Line::new(name, of.looks.iter().map(|look| (look.second, value(look))))
    };
    let plot = |title: &str, unit: &str, logarithmic, bound, lines| Plot {
        title: title.to_owned(),
        unit: unit.to_owned(),
        logarithmic,
        bound,
        lines,
    };
    let receipt = |of: fn(&Step) -> f64| move |step: &Step| (step.receipt.count > 0).then(|| of(step));
    let frame = |of: fn(&Step) -> f64| move |step: &Step| (step.frame.count > 0).then(|| of(step));
    let queue = |name: &'static str| move |look: &Look| look.gauges.get(name).copied();
    vec![
        plot(
            "Reports",
            "a second",
            false,
            objectives.rate,
            vec![
                over("receipted", &|of| Some(of.receipts as f64 / step)),
                over("intended", &|of| Some(of.intended as f64 / step)),
            ],
        ),
        plot(
            "Publish to receipt, by intended moment",
            "ms",
            true,
            ms(objectives.receipt_p99),
            vec![
                over("p99", &receipt(|of| of.receipt.p99)),
                over("p50", &receipt(|of| of.receipt.p50)),
                over("all", &receipt(|of| of.receipt.max)),
            ],
        ),
        plot(
            "Publish to a viewer's frame, by intended moment",
            "ms",
            true,
            ms(objectives.frame_p99),
            vec![
                over("p99", &frame(|of| of.frame.p99)),
                over("p50", &frame(|of| of.frame.p50)),
                over("all", &frame(|of| of.frame.max)),
            ],
        ),
        plot(
            "Processor",
            "cores",
            false,
            None,
            vec![
                looked("service", &|look| look.service_cores),
                looked("this fleet", &|look| Some(look.own_cores)),
            ],
        ),
        plot(
            "Memory",
            "MB",
            false,
            None,
            vec![
                looked("service", &|look| look.service_bytes.map(|bytes| bytes as f64 / 1e6)),
                looked("this fleet", &|look| Some(look.own_bytes as f64 / 1e6)),
            ],
        ),
        plot(
            "On line",
            "connections",
            false,
            None,
            vec![
                looked("devices, by the fleet", &|look| Some(look.connected as f64)),
                looked("devices, by the service", &queue("sanak_device_connections_count")),
                looked("readers, by the service", &queue("sanak_live_readers")),
            ],
        ),
        plot(
            "Waiting for the disk",
            "records",
            false,
            None,
            vec![looked("journal's queue", &queue("sanak_journal_queue_records"))],
        ),
    ]
}

fn troubles(body: &mut String, of: &Outcome) {
    let differences = of.totals.differences.iter().map(|of| {
        let shown = of.shown.map_or("nothing".to_owned(), |shown| shown.to_string());
        format!("{} {}: {shown} is shown, {} was sent", of.unit, of.figure, of.sent)
    });
    let seen = of.viewers.iter().flat_map(|seen| seen.breached.iter().chain(&seen.endings)).cloned();
    let all: Vec<String> = of.troubles.iter().cloned().chain(differences).chain(seen).collect();
    if all.is_empty() {
        return;
    }
    body.push_str("<h2>What went wrong</h2>\n<ul>");
    for trouble in all {
        let _ = write!(body, "<li>{}</li>", escaped(&trouble));
    }
    body.push_str("</ul>\n");
}

/// The plots' figures, for those who want numbers.
fn steps(body: &mut String, steps: &[Step]) {
    body.push_str(
        "<details><summary>Figures by moment</summary><div class=scroll><table><thead><tr><th scope=col>second<th \
         scope=col>intended<th scope=col>receipts<th scope=col>receipt p50 ms<th scope=col>p99<th scope=col>all<th \
         scope=col>frame p50 ms<th scope=col>p99<th scope=col>all</tr></thead><tbody>",
    );
    for step in steps {
        let _ = write!(body, "<tr><th scope=row>{}<td>{}<td>{}", step.second, step.intended, step.receipts);
        for latency in [step.receipt, step.frame] {
            for value in [latency.p50, latency.p99, latency.max] {
                let text = if latency.count > 0 { short(value) } else { "–".to_owned() };
                let _ = write!(body, "<td>{text}");
            }
        }
        body.push_str("</tr>");
    }
    body.push_str("</tbody></table></div></details>\n");
}

/// Bytes as people read them.
pub fn bytes(bytes: f64) -> String {
    match bytes {
        ..1e4 => format!("{bytes:.0} B"),
        ..1e6 => format!("{:.1} kB", bytes / 1e3),
        ..1e9 => format!("{:.1} MB", bytes / 1e6),
        _ => format!("{:.2} GB", bytes / 1e9),
    }
}
