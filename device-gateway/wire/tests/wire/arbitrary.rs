//! Arbitrary messages.

use std::collections::BTreeMap;

use election::{
    Code, ContestId, Count, DeviceId, ElectionId, OptionId, PrecinctId, Timestamp, UnitName,
    report::{
        Body, BySex, Command, ContestTally, DeviceState, Digest, Heartbeat, Offset, Order, Presence, Receipt,
        Report, Tally, Turnout, Verdict,
    },
};
use proptest::{collection::btree_map, collection::vec, option, prelude::*, sample::select};

fn slug(longest: usize) -> impl Strategy<Value = String> {
    proptest::string::string_regex(&format!("[a-z0-9][a-z0-9-]{{0,{}}}", longest - 1)).unwrap()
}

fn election() -> impl Strategy<Value = ElectionId> {
    slug(32).prop_map(|id| id.parse().unwrap())
}

fn device() -> impl Strategy<Value = DeviceId> {
    slug(23).prop_map(|id| id.parse().unwrap())
}

fn option_id() -> impl Strategy<Value = OptionId> {
    slug(32).prop_map(|id| id.parse().unwrap())
}

fn unit_name() -> impl Strategy<Value = UnitName> {
    slug(32).prop_map(|id| id.parse().unwrap())
}

fn contest() -> impl Strategy<Value = ContestId> {
    prop_oneof![slug(32), (slug(32), slug(32)).prop_map(|(of, district)| format!("{of}:{district}"))]
        .prop_map(|id| id.parse().unwrap())
}

fn precinct() -> impl Strategy<Value = PrecinctId> {
    (1..=u32::MAX).prop_map(|number| PrecinctId::new(number).unwrap())
}

/// Counts of every length on the wire.
fn count() -> impl Strategy<Value = Count> {
    prop_oneof![0..30u64, 0..70_000u64, any::<u64>()].prop_map(Count::new)
}

fn at() -> impl Strategy<Value = Timestamp> {
    any::<u64>().prop_map(Timestamp::from_millis)
}

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest)
}

fn turnout() -> impl Strategy<Value = Turnout> {
    let by_sex = (count(), count()).prop_map(|(f, m)| BySex { f, m });
    (
        count(),
        option::of(by_sex),
        option::of(vec(count(), 0..30)),
        option::of(btree_map(unit_name(), count(), 0..5)),
    )
        .prop_map(|(identified, by_sex, by_age, by_district)| Turnout {
            identified,
            by_sex,
            by_age,
            by_district,
        })
}

fn preferences() -> impl Strategy<Value = BTreeMap<OptionId, BTreeMap<u32, Count>>> {
    btree_map(option_id(), btree_map(any::<u32>(), count(), 0..5), 0..3)
}

fn contest_tally() -> impl Strategy<Value = ContestTally> {
    (contest(), count(), count(), btree_map(option_id(), count(), 0..30), preferences()).prop_map(
        |(contest, ballots, invalid, votes, preferences)| ContestTally {
            contest,
            ballots,
            invalid,
            votes,
            preferences,
        },
    )
}

fn tally() -> impl Strategy<Value = Tally> {
    (count(), vec(contest_tally(), 0..3)).prop_map(|(ballots, contests)| Tally { ballots, contests })
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        count().prop_map(|identified| Body::OpeningTerminal { identified }),
        tally().prop_map(Body::OpeningUrn),
        turnout().prop_map(Body::Turnout),
        turnout().prop_map(Body::Closing),
        tally().prop_map(Body::Tally),
    ]
}

pub fn report() -> impl Strategy<Value = Report> {
    (election(), precinct(), device(), 1..=u64::MAX, digest(), at(), body()).prop_map(
        |(election, precinct, device, seq, prev, at, body)| Report {
            election,
            precinct,
            device,
            seq,
            prev,
            at,
            body,
        },
    )
}

pub fn heartbeat() -> impl Strategy<Value = Heartbeat> {
    let who = (election(), precinct(), device(), at());
    let numbers = (any::<u64>(), any::<u64>(), any::<u64>(), option::of(count()));
    let power =
        (option::of(0..=100u8), option::of(any::<bool>()), option::of(any::<i64>()), option::of(0..=100u8));
    let words = (option::of(".{0,64}"), vec(".{0,200}", 0..4));
    (who, numbers, power, words).prop_map(
        |(
            (election, precinct, device, at),
            (uptime, counter, last_seq, shown),
            (battery, mains, signal, paper),
            (firmware, errors),
        )| Heartbeat {
            election,
            precinct,
            device,
            at,
            uptime,
            counter,
            last_seq,
            battery,
            mains,
            signal,
            paper,
            firmware,
            errors,
            shown,
        },
    )
}

pub fn state() -> impl Strategy<Value = DeviceState> {
    (device(), select(vec![Presence::Online, Presence::Offline]), any::<u64>(), at())
        .prop_map(|(device, state, boot, at)| DeviceState { device, state, boot, at })
}

fn verdict() -> impl Strategy<Value = Verdict> {
    use Verdict::{Accepted, Duplicate, Held, Quarantined, Rejected};
    select(vec![Accepted, Duplicate, Held, Quarantined, Rejected])
}

pub fn receipt() -> impl Strategy<Value = Receipt> {
    let offset = option::of(any::<u64>().prop_map(Offset));
    (
        device(),
        any::<u64>(),
        digest(),
        verdict(),
        option::of(select(Code::ALL)),
        option::of(verdict()),
        offset,
        at(),
    )
        .prop_map(|(device, seq, digest, verdict, code, was, offset, at)| Receipt {
            device,
            seq,
            digest,
            verdict,
            code,
            was,
            offset,
            at,
        })
}

pub fn command() -> impl Strategy<Value = Command> {
    let order = prop_oneof![
        (1..=u64::MAX).prop_map(|from| Order::Resend { from }),
        any::<u64>().prop_map(|interval| Order::Heartbeat { interval }),
        Just(Order::Disconnect),
    ];
    (device(), any::<u64>(), at(), order).prop_map(|(device, id, at, order)| Command {
        device,
        id,
        at,
        order,
    })
}
