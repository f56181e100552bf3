//! An eye on the live feed: how many precincts the platform shows as reported, and when it was nine in ten.

use std::time::Duration;

use election::Timestamp;
use futures_util::StreamExt;
use tokio::{
    net::TcpStream,
    sync::watch,
    time::{sleep, timeout},
};
use tokio_tungstenite::{client_async, tungstenite::Message};

use crate::{fleet::FleetPlan, shown::Shown};

/// A feed sends at least a ping every 10 s; after this much silence it is dead.
const SILENCE: Duration = Duration::from_secs(30);
/// Between attempts to connect.
const AGAIN: Duration = Duration::from_secs(1);

/// What was seen so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Seen {
    /// Precincts that are shown as reported.
    pub reported: u64,
    /// Simulated minutes from the close of polls at home until nine precincts in ten were shown as reported;
    /// unknown where they were when it was first looked.
    pub minutes_to_90_percent: Option<f64>,
    /// Fewer were seen before.
    saw_fewer: bool,
}

impl Seen {
    /// Takes what a frame shows at a moment.
    fn take(&mut self, shown: &Shown, now: Timestamp, close: Timestamp) {
        let Some(country) = shown.unit("country") else { return };
        self.reported = country.reported.precincts;
        if self.reported * 10 < country.precincts * 9 {
            self.saw_fewer = true;
        } else if self.saw_fewer && self.minutes_to_90_percent.is_none() {
            let seconds = now.since(close).as_secs_f64();
            self.minutes_to_90_percent = Some((seconds / 6.0).round() / 10.0);
        }
    }
}

/// Follows the live feed for as long as it is let, through every interruption.
pub async fn observe(plan: FleetPlan, seen: watch::Sender<Seen>) {
    loop {
        if let Err(error) = follow(&plan, &seen).await {
            tracing::debug!(error, "the live feed ended");
        }
        sleep(AGAIN).await;
    }
}

async fn follow(plan: &FleetPlan, seen: &watch::Sender<Seen>) -> Result<(), String> {
    let about = plan.definition.about();
    let address = plan.http;
    let stream = TcpStream::connect(address).await.map_err(|why| why.to_string())?;
    let url = format!("ws://{address}/api/v1/elections/{}/live?units=country", about.id);
    let (mut feed, _) = client_async(url, stream).await.map_err(|why| why.to_string())?;
    loop {
        let frame = timeout(SILENCE, feed.next()).await.map_err(|_| "silent".to_owned())?;
        let text = match frame.ok_or("closed")?.map_err(|why| why.to_string())? {
            Message::Text(text) => text,
            _ => continue,
        };
        let shown: Shown = serde_json::from_str(&text).map_err(|why| why.to_string())?;
        seen.send_modify(|seen| seen.take(&shown, plan.clock.now(), about.polls_close));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::country::CLOSE;

    fn frame(reported: u64) -> Shown {
        let country = format!(
            r#"{{"type":"delta","units":[{{"id":"country","phase":"counting","precincts":10,
            "reported":{{"precincts":{reported}}},"turnout":{{"identified":0}},"contests":{{}}}}]}}"#
        );
        serde_json::from_str(&country).unwrap()
    }

    #[test]
    fn nine_in_ten_is_noted_once() {
        let mut seen = Seen::default();
        for (minute, reported) in [(10, 5), (55, 9), (90, 10)] {
            seen.take(&frame(reported), CLOSE + Duration::from_secs(60 * minute), CLOSE);
        }
        assert_eq!((seen.reported, seen.minutes_to_90_percent), (10, Some(55.0)));
    }

    #[test]
    fn who_looks_too_late_does_not_know_when_it_was() {
        let mut seen = Seen::default();
        seen.take(&frame(9), CLOSE + Duration::from_secs(7_200), CLOSE);
        assert_eq!((seen.reported, seen.minutes_to_90_percent), (9, None));
    }

    #[test]
    fn a_ping_shows_nothing_new() {
        let mut seen = Seen { reported: 3, ..Seen::default() };
        let ping: Shown = serde_json::from_str(r#"{"type":"ping","version":4}"#).unwrap();
        seen.take(&ping, CLOSE, CLOSE);
        assert_eq!(seen.reported, 3);
    }
}
