//! What the values showed, held against what the rules say.

use super::{Direction, Language, Levels, Request};
use crate::hex;
use crate::json::Json;
use fluxar_codegen::evolve::{Finding, Judged, Pair, Rule, Verdict};
use serde_json::json;
use std::collections::BTreeSet;

/// Times as many values as show a thing once on average: all miss it once in 160,000 times.
const SURE: usize = 12;

/// What a program said of one value: the word, the value as its own level writes it, and why.
#[derive(Debug)]
pub(super) struct Answer {
    seen: Seen,
    bytes: Vec<u8>,
    why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// Read, written and read back as the same.
    Same,
    /// Read back as something else.
    Changed,
    /// The other level did not read it.
    Broke,
    /// The other level read it, and the first did not read what the other wrote.
    CameBackBroken,
    /// No value of its level.
    None,
}

impl Answer {
    pub(super) fn of(line: &str) -> Self {
        let mut words = line.splitn(3, ' ');
        let mut next = || words.next().unwrap_or_default();
        let seen = match next() {
            "ok" => Seen::Same,
            "changed" => Seen::Changed,
            "break" => Seen::Broke,
            "back" => Seen::CameBackBroken,
            _ => Seen::None,
        };
        let bytes = hex::decode(next()).unwrap_or_default();
        Self { seen, bytes, why: next().to_owned() }
    }

    fn value(&self) -> serde_json::Value {
        fluxar::payload::decode::<Json>(&self.bytes).map_or(serde_json::Value::Null, |json| json.0)
    }
}

/// Where values and rules do not agree, or might not.
#[derive(Debug)]
pub(crate) struct Outcome {
    package: String,
    place: String,
    direction: Direction,
    language: Language,
    /// What is wrong.
    about: String,
    /// The value.
    value: serde_json::Value,
}

/// What came of trying.
#[derive(Debug, Default)]
pub(crate) struct Trial {
    /// How many values were tried.
    tried: usize,
    /// Where values and rules disagree.
    pub(crate) disagreements: Vec<Outcome>,
    /// Where the rules say that something breaks, and no value showed it: it need not.
    unseen: BTreeSet<String>,
}

impl Trial {
    pub(super) fn judge(
        &mut self,
        levels: &[Levels],
        language: Language,
        requests: &[Request],
        answers: &[Answer],
        pairs: &[Pair<'_>],
    ) {
        for (pair, (of, (old, new))) in levels.iter().zip(pairs).enumerate() {
            for (at, (one, _)) in of.uses.iter().enumerate() {
                let judged = one.judge(old, new);
                for direction in [Direction::Forward, Direction::Back] {
                    let asked = requests.iter().zip(answers).filter(|(request, _)| {
                        (request.pair, request.one) == (pair, at) && request.direction == direction
                    });
                    let seen: Vec<&Answer> = asked
                        .map(|(_, answer)| answer)
                        .filter(|answer| answer.seen != Seen::None)
                        .collect();
                    self.tried += seen.len();
                    let place =
                        Place { package: of.name(), place: one.place(), direction, language };
                    self.hold(&place, &judged, &seen);
                }
            }
        }
    }

    /// Holds what was seen in one place and direction against the rules.
    fn hold(&mut self, at: &Place<'_>, judged: &Judged, seen: &[&Answer]) {
        let Some(any) = seen.first() else {
            let text = format!("{}: no value that keeps its constraints could be made", at.text());
            self.unseen.insert(text);
            return;
        };
        let verdict = match at.direction {
            Direction::Forward => judged.forward,
            Direction::Back => judged.back,
        };
        let first = |wanted: Seen| seen.iter().find(|answer| answer.seen == wanted);
        match (verdict, first(Seen::Broke)) {
            (Verdict::Ok, Some(broke)) => {
                let about = format!("the rules say ok, and a value is not read: {}", broke.why);
                self.disagreements.push(at.outcome(about, broke));
            }
            (Verdict::Break, None) => {
                let rules = breaking(judged, at.direction);
                let ids: Vec<&str> = rules.iter().map(|(rule, _)| rule.id()).collect();
                let ids = ids.join(", ");
                if rules.iter().any(|(_, one_in)| must_show(*one_in, seen.len())) {
                    let about =
                        format!("the rules say that it breaks [{ids}], and all values are read");
                    self.disagreements.push(at.outcome(about, any));
                } else {
                    self.unseen
                        .insert(format!("{}: breaks by {ids}, which no value shows", at.text()));
                }
            }
            _ => {}
        }
        if judged.forward != Verdict::Ok || judged.back != Verdict::Ok {
            return;
        }
        if let Some(back) = first(Seen::CameBackBroken) {
            let about = format!("the rules say ok, and what comes back is not read: {}", back.why);
            self.disagreements.push(at.outcome(about, back));
        }
        // A level that knows all that the other knows loses nothing of it.
        let knows_all = judged.report.findings.iter().all(|finding| {
            let grows = matches!(finding.rule, Rule::FieldAdded | Rule::VariantAdded);
            grows && at.direction == Direction::Forward
        });
        if let Some(changed) = first(Seen::Changed).filter(|_| knows_all) {
            let about =
                format!("the rules say ok, and a value comes back as another: {}", changed.why);
            self.disagreements.push(at.outcome(about, changed));
        }
    }

    /// For programs.
    pub(crate) fn as_json(&self) -> serde_json::Value {
        let outcome = |outcome: &Outcome| {
            json!({
                "package": outcome.package,
                "place": outcome.place,
                "direction": outcome.direction.words(),
                "language": outcome.language.name(),
                "about": outcome.about,
                "value": outcome.value,
            })
        };
        let disagreements: Vec<_> = self.disagreements.iter().map(outcome).collect();
        json!({ "values": self.tried, "disagreements": disagreements, "unseen": self.unseen })
    }

    /// For people.
    pub(crate) fn as_text(&self) -> String {
        let mut text = String::new();
        for unseen in &self.unseen {
            text.push_str(&format!("not seen: {unseen}\n"));
        }
        for Outcome { package, place, direction, language, about, value } in &self.disagreements {
            let (direction, language) = (direction.words(), language.name());
            text.push_str(&format!(
                "DISAGREES: {package} {place}, {direction}, in {language}: {about}\n  {value}\n"
            ));
        }
        text.push_str(&format!(
            "tried: {} values, {} disagreements with the rules\n",
            self.tried,
            self.disagreements.len()
        ));
        text
    }
}

/// One place, direction and language.
struct Place<'p> {
    package: &'p str,
    place: &'p str,
    direction: Direction,
    language: Language,
}

impl Place<'_> {
    fn text(&self) -> String {
        format!("{} {}, {}", self.package, self.place, self.direction.words())
    }

    fn outcome(&self, about: String, answer: &Answer) -> Outcome {
        Outcome {
            package: self.package.to_owned(),
            place: self.place.to_owned(),
            direction: self.direction,
            language: self.language,
            about,
            value: answer.value(),
        }
    }
}

impl Direction {
    fn words(self) -> &'static str {
        match self {
            Self::Forward => "new reads old",
            Self::Back => "old reads new",
        }
    }
}

/// True when so many values must show what one in `one_in` of them shows.
fn must_show(one_in: Option<u32>, values: usize) -> bool {
    match one_in.and_then(|one_in| usize::try_from(one_in).ok()) {
        None => false,
        Some(0 | 1) => true,
        Some(one_in) => values >= one_in.saturating_mul(SURE),
    }
}

/// The rules that say that this direction breaks, each with one in how many values shows it.
fn breaking(judged: &Judged, direction: Direction) -> Vec<(Rule, Option<u32>)> {
    let breaks = |verdict| verdict == Verdict::Break;
    let findings = judged.report.findings.iter().filter(|finding| match direction {
        Direction::Forward => breaks(finding.verdicts.new_server_old_client),
        Direction::Back => breaks(finding.verdicts.old_server_new_client),
    });
    let shown = |finding: &Finding| match direction {
        Direction::Forward => finding.shown.forward,
        Direction::Back => finding.shown.back,
    };
    findings.map(|finding| (finding.rule, shown(finding))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Direction, Language, Levels, Request};
    use super::{Answer, Trial};
    use fluxar_codegen::check::compile_sources;
    use fluxar_codegen::model::Model;

    fn model(text: &str) -> Model {
        compile_sources(&[("test.fluxar", text)]).models.remove(0)
    }

    /// What is made of these answers, forward and back, for a type that is stored.
    fn judged(old: &str, new: &str, forward: &str, back: &str) -> Trial {
        let (old, new) = (model(old), model(new));
        let pairs = [(&old, &new)];
        let levels = [Levels::of(pairs[0])];
        let request = |direction| Request { pair: 0, one: 0, direction, bytes: Vec::new() };
        let requests = [request(Direction::Forward), request(Direction::Back)];
        let answers = [Answer::of(forward), Answer::of(back)];
        let mut trial = Trial::default();
        trial.judge(&levels, Language::Ts, &requests, &answers, &pairs);
        trial
    }

    const A: &str = "record R { 1 a: u8 }";
    const WITH_OPTIONAL: &str = "record R { 1 a: u8, 2 b: u8? }";
    const WITH_REQUIRED: &str = "record R { 1 a: u8, 2 b: u8 }";

    #[test]
    fn values_and_rules_that_agree_are_no_news() {
        for (new, forward, back) in [
            (WITH_OPTIONAL, "ok a1616107", "ok a1616107"),
            // What the old level does not know is lost on the way back, as it must be.
            (WITH_OPTIONAL, "ok a1616107", "changed a1616107 came back"),
            (WITH_REQUIRED, "break a1616107 missing b", "ok a1616107"),
        ] {
            let trial = judged(A, new, forward, back);
            assert!(trial.disagreements.is_empty() && trial.unseen.is_empty(), "{trial:?}");
            assert_eq!(trial.tried, 2);
        }
    }

    #[test]
    fn each_way_to_disagree_is_told_with_its_value() {
        for (new, forward, back, about) in [
            (WITH_OPTIONAL, "break a1616107 no b", "ok a1616107", "is not read: no b"),
            (WITH_OPTIONAL, "ok a1616108", "break a1616107 odd", "is not read: odd"),
            (WITH_OPTIONAL, "back a1616107 odd", "ok a1616108", "what comes back is not read: odd"),
            (WITH_OPTIONAL, "changed a1616107 odd", "ok a1616108", "comes back as another: odd"),
            (WITH_REQUIRED, "ok a1616107", "ok a1616108", "IDL.evolve.field.required"),
        ] {
            let trial = judged(A, new, forward, back);
            let [only] = &trial.disagreements[..] else { panic!("{trial:?}") };
            assert!(only.about.contains(about), "{}", only.about);
            assert_eq!(only.value, serde_json::json!({ "a": 7 }));
            assert!(trial.as_text().contains("DISAGREES: the contract R, "), "{}", trial.as_text());
            assert_eq!(trial.as_json()["disagreements"][0]["language"], "ts");
        }
    }

    #[test]
    fn what_shows_now_and_then_must_show_among_enough_values() {
        use super::{SURE, must_show};
        assert!(must_show(Some(1), 1) && !must_show(None, 10_000));
        assert!(must_show(Some(6), 6 * SURE) && !must_show(Some(6), 6 * SURE - 1));
    }

    #[test]
    fn what_need_not_show_is_told_and_fails_nothing() {
        let trial = judged(A, "record R { 1 a: u8 @max(200) }", "ok a1616107", "ok a1616107");
        assert!(trial.disagreements.is_empty(), "{trial:?}");
        assert!(trial.as_text().contains("IDL.evolve.constraint.tightened"), "{}", trial.as_text());
        let trial = judged(A, A, "skip a1616107 no", "ok a1616107");
        assert!(trial.as_text().contains("no value that keeps its constraints"), "{trial:?}");
    }
}
