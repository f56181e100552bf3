//! People in the situation room: they put spares in the places of dead urns, and enter protocols.

use std::{sync::Arc, time::Duration};

use election::record::Act;
use hyper::StatusCode;
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use crate::{
    fleet::{Fleet, FleetPlan},
    http::Api,
    scripted::Planned,
};

/// Between attempts to reach the room: the first wait, and the longest.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// What people did.
#[derive(Debug, Default)]
pub struct Sitting {
    /// Decisions that the centre took, now or in an earlier life.
    pub acts: Vec<Act>,
    /// Decisions that it refused, in words.
    pub unexpected: Vec<String>,
    /// Decisions for which the day was too short.
    pub untaken: u64,
}

/// Takes every planned decision when it is due, until all are taken or the day is stopped. `done` counts.
pub async fn sit(
    plan: FleetPlan,
    fleet: Arc<Fleet>,
    planned: Vec<Planned>,
    done: watch::Sender<usize>,
    mut stopped: watch::Receiver<bool>,
) -> Sitting {
    let mut sitting = Sitting::default();
    let all = planned.len();
    for (number, decision) in planned.into_iter().enumerate() {
        if !fleet.books.decided(decision.by, &decision.act) {
            let taken = tokio::select! {
                taken = decide(&plan, &decision) => taken,
                _ = stopped.wait_for(|stopped| *stopped) => {
                    sitting.untaken = (all - number) as u64;
                    return sitting;
                }
            };
            match taken {
                Ok(()) => fleet.books.note_decision(decision.by, &decision.act),
                Err(why) => {
                    sitting.unexpected.push(why);
                    done.send_replace(number + 1);
                    continue;
                }
            }
        }
        sitting.acts.push(decision.act);
        done.send_replace(number + 1);
    }
    sitting
}

/// Takes one decision when it is due, as often as it needs to reach the room.
async fn decide(plan: &FleetPlan, decision: &Planned) -> Result<(), String> {
    while plan.clock.now() < decision.due {
        sleep(plan.clock.until(decision.due)).await;
    }
    let body = body_of(decision).map_err(|why| why.to_string())?;
    let api = Api::new(plan.http);
    let mut wait = AGAIN.0;
    loop {
        let answer =
            timeout(AGAIN.1, api.post("/api/v1/room/decisions", &plan.room_tokens[decision.by], &body)).await;
        match answer {
            Ok(Ok((status, _))) if status.is_success() => return Ok(()),
            // It was taken before this fleet's books could note it; were it another one, the totals would tell.
            Ok(Ok((StatusCode::CONFLICT, _))) => return Ok(()),
            Ok(Ok((status, why))) if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS => {
                return Err(format!("the room refused {}: {status} {why}", decision.act.name()));
            }
            Ok(Ok((status, why))) => tracing::debug!(%status, why, "the room is not ready"),
            Ok(Err(error)) => tracing::debug!(%error, "the room is not reached"),
            Err(_) => tracing::debug!("the room does not answer"),
        }
        sleep(wait).await;
        wait = AGAIN.1.min(wait * 2);
    }
}

/// An act and its reason; the person follows from the token.
fn body_of(decision: &Planned) -> Result<Value, serde_json::Error> {
    Ok(json!({ "reason": decision.reason, "act": serde_json::to_value(&decision.act)? }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use election::Timestamp;

    #[test]
    fn a_decision_is_sent_with_its_reason() {
        let act = Act::Replace {
            precinct: "12".parse().unwrap(),
            old: "u-1".parse().unwrap(),
            new: "u-2".parse().unwrap(),
        };
        let planned = Planned { due: Timestamp::default(), reason: "it died", act, by: 0 };
        let body = body_of(&planned).unwrap();
        assert_eq!(
            body.to_string(),
            r#"{"act":{"act":"replace","new":"u-2","old":"u-1","precinct":12},"reason":"it died"}"#
        );
    }
}
