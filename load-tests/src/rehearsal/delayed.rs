//! A slow line: what goes in comes out later, in order, as over TCP on a village's modem.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use crate::chance::Chance;

use super::scenario::Modem;

/// TCP gives a lost segment up for the first time after about a second, and doubles that.
const SENT_AGAIN: Duration = Duration::from_secs(1);
/// Losses of one segment in a row that are simulated.
const MOST_LOSSES: u32 = 5;

/// One direction of a slow line.
#[derive(Debug)]
pub struct Delayed<T> {
    delay: Duration,
    jitter: Duration,
    loss: f64,
    queue: VecDeque<(Instant, T)>,
}

impl<T> Delayed<T> {
    /// As slow as this modem.
    pub fn new(modem: &Modem) -> Self {
        Self { delay: modem.delay.0, jitter: modem.jitter.0, loss: modem.loss, queue: VecDeque::new() }
    }

    /// Takes something in. Nothing overtakes what went in before.
    pub fn push(&mut self, item: T, chance: &mut Chance) {
        let mut takes = self.delay + self.jitter.mul_f64(chance.fraction());
        let mut again = SENT_AGAIN;
        for _ in 0..MOST_LOSSES {
            if chance.fraction() >= self.loss {
                break;
            }
            takes += again;
            again *= 2;
        }
        let ready = Instant::now() + takes;
        let ready = self.queue.back().map_or(ready, |(before, _)| ready.max(*before));
        self.queue.push_back((ready, item));
    }

    /// What has come through by now.
    pub fn pop(&mut self, now: Instant) -> Option<T> {
        if self.next()? > now {
            return None;
        }
        self.queue.pop_front().map(|(_, item)| item)
    }

    /// When something comes through next.
    pub fn next(&self) -> Option<Instant> {
        self.queue.front().map(|(ready, _)| *ready)
    }

    /// The line broke: what was on it is gone.
    pub fn clear(&mut self) {
        self.queue.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearsal::span::Span;

    fn line(loss: f64) -> Delayed<u32> {
        let ms = |ms| Span(Duration::from_millis(ms));
        Delayed::new(&Modem { share: 1.0, delay: ms(400), jitter: ms(1_200), loss, cuts_a_minute: 0.0 })
    }

    #[test]
    fn what_goes_in_comes_out_later_and_in_order() {
        let (mut line, mut chance, now) = (line(0.3), Chance::of(1, "test", ""), Instant::now());
        (0..100).for_each(|item| line.push(item, &mut chance));
        assert_eq!(line.pop(now), None);
        let first = line.next().unwrap();
        assert!(first >= now + Duration::from_millis(400));
        let later = now + Duration::from_secs(60);
        let out: Vec<u32> = std::iter::from_fn(|| line.pop(later)).collect();
        assert_eq!(out, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_loss_costs_a_second_and_a_cut_everything() {
        let (mut line, mut chance, now) = (line(0.9), Chance::of(1, "test", ""), Instant::now());
        (0..50).for_each(|item| line.push(item, &mut chance));
        assert_eq!(std::iter::from_fn(|| line.pop(now + Duration::from_millis(1_601))).count(), 0);
        line.clear();
        assert_eq!(line.next(), None);
    }
}
