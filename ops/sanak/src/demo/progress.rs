//! How far the night is, on stderr.

use std::{sync::Arc, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use journal::Clock;
use load_tests::Progress;
use tokio::sync::watch;

use super::{clock::DemoClock, time_of_day};

/// Shows progress until the fleet has ended. Where stderr is no terminal, nothing is drawn.
pub async fn show(mut told: watch::Receiver<Progress>, clock: Arc<DemoClock>, timezone: String) {
    let bar = ProgressBar::new(0);
    let template = "  {prefix}  [{bar:30}] {pos}/{len} precincts reported   {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
    }
    while told.changed().await.is_ok() {
        let now = *told.borrow_and_update();
        bar.set_length(now.precincts);
        bar.set_position(now.reported);
        bar.set_prefix(time_of_day(clock.now(), &timezone));
        bar.set_message(format!("{} devices on line, {} receipts", now.connected, now.receipted));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bar.finish();
}
