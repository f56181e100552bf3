//! What was drawn, read back into the ties that an allocation reports.

use serde_json::{Value, from_value, json};

use super::*;
use crate::definition::ListCandidate;

fn drawing(tie: Value, drawn: Value) -> Drawing {
    from_value(json!({"contest": "c", "source": "protocols", "tie": tie, "drawn": drawn})).unwrap()
}

fn with_names() -> Contest {
    let mut contest = list(Method::Hare, 5, "ppp");
    let name =
        |number| ListCandidate { number, name: Names::default(), sex: Sex::F, status: OptionStatus::Active };
    contest.options[1].candidates = [2, 7, 9].map(name).into();
    contest
}

#[test]
fn a_tie_is_entered_as_it_is_published_and_gives_the_seat() {
    let contest = list(Method::Hare, 2, "pppx");
    let tallied = counted(&contest, &[50, 25, 25, 7], 0, 0);
    let published = SeatsView::new(&tallied, &allocate(&tallied, &Lots::default()));
    let tie = serde_json::to_value(&published.ties[0]).unwrap();
    let lot = drawing(tie, json!(["o2"])).lot(&contest).unwrap();
    assert_eq!(seats(&allocate(&tallied, &Lots::new(vec![lot]).unwrap())), [1, 0, 1, 0]);
    // The order in which those tied are named does not matter, and what is empty may be left out.
    let turned = json!({"place": "seats", "options": ["o2", "o1"], "seats": 1});
    let lot = drawing(turned, json!(["o1"])).lot(&contest).unwrap();
    assert_eq!(seats(&allocate(&tallied, &Lots::new(vec![lot]).unwrap())), [1, 1, 0, 0]);
}

#[test]
fn names_of_a_list_are_drawn_by_number() {
    let contest = with_names();
    let tie = json!({"place": "women", "list": "o1", "numbers": [9, 2], "seats": 1});
    let lot = drawing(tie, json!([9])).lot(&contest).unwrap();
    let of = Tie { place: Place::Women(crate::definition::OptionIx(1)), tied: vec![2, 9], seats: 1 };
    assert_eq!(lot, Lot { of, winners: vec![9] });
}

#[test]
fn what_no_tie_of_the_contest_can_be_is_refused() {
    let contest = with_names();
    let tie = |value: Value| drawing(value, json!(["o0"])).lot(&contest);
    let wrong = Err(DrawingError::WrongTie("c".parse().unwrap()));
    for of in [
        json!({"place": "seats", "options": ["o0", "o9"], "seats": 1}),
        json!({"place": "seats", "options": ["o0", "o0"], "seats": 1}),
        json!({"place": "seats", "options": ["o0", "o1"], "seats": 2}),
        json!({"place": "seats", "options": ["o0", "o1"], "seats": 0}),
        json!({"place": "seats", "seats": 1}),
        json!({"place": "seats", "list": "o1", "options": ["o0", "o1"], "seats": 1}),
        json!({"place": "list", "options": ["o0", "o1"], "seats": 1}),
        json!({"place": "list", "list": "o1", "numbers": [2, 3], "seats": 1}),
        json!({"place": "list", "list": "o7", "numbers": [2, 7], "seats": 1}),
    ] {
        assert_eq!(tie(of.clone()), wrong, "{of}");
    }
    let sound = json!({"place": "second_round", "options": ["o0", "o1", "o2"], "seats": 2});
    let drawn = |names: Value| drawing(sound.clone(), names).lot(&contest);
    assert_eq!(drawn(json!([1, 2])), Err(DrawingError::WrongName("c".parse().unwrap())));
    assert_eq!(drawn(json!(["o0", "o8"])), Err(DrawingError::WrongName("c".parse().unwrap())));
    let few = LotError::Winners { seats: 2, winners: 1 };
    assert_eq!(drawn(json!(["o0"])), Err(DrawingError::Lots(few)));
    assert!(drawn(json!(["o2", "o0"])).is_ok());
    let two = json!({"place": "seats", "options": ["o0", "o1"], "seats": 1});
    let stranger = drawing(two, json!(["o2"])).lot(&contest).unwrap_err();
    assert_eq!(stranger.to_string(), "c: o2 is named as a winner of lots and was not tied");
}
