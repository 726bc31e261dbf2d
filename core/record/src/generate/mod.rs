//! The seeded generator of realistic records, for tests, benchmarks and the training of dictionaries.
//!
//! [`Generator::incident`] is what people enter at once, some twenty fields; benchmarks and dictionaries are about it.
//! [`Generator::late_incident`] carries everything that an incident ever may.
//!
//! A generator is one region: its places, streets and groups come up again, as they do for a team. Narratives are in
//! English, Spanish, French, Arabic and Swahili. The same random source gives the same records on every machine.
//!
//! Measured, so that nobody takes benchmarks on it for more than they are: 100 narratives compress together to 3.1
//! bits a character, 10,000 to 1.4 (`xz -9e`). What people write stays near 2, so figures over many records flatter
//! compression somewhat.

mod ar;
mod dice;
mod edit;
mod en;
mod es;
mod fr;
mod life;
mod sw;
mod warning;
mod words;

use firsthand_ids::{ContentHash, DeviceKey, DocumentId, Metres, PersonId, UnixMillis};
use rand_core::Rng;

use self::dice::Dice;
use self::words::{Tongue, capital};
use crate::{
    Actor, ActorKind, ActorRole, AuthorityPresence, CapturePath, Captured, Certainty, CodeList, Consent,
    Count, CountKind, Credibility, Evidence, FollowUp, GeoPrecision, Harm, Incident, Moment, Occurred,
    PeopleVisible, Place, PlaceSource, Precision, Reliability, RetaliationRisk, SCHEMA_VERSION, Sensitivity,
    Severity, ShortCode, Source, SourceKind, Status, Tactic, Trajectory, Urgency, Verification, Weapon,
    WeaponUse, lists,
};

pub use edit::GeneratedEdit;

/// The first moment of every generated region: 2026-03-01T05:00:00Z.
const START: UnixMillis = UnixMillis(1_772_341_200_000);

/// Makes records that could come from one team in one region.
pub struct Generator<R> {
    dice: Dice<R>,
    tongues: [Tongue; 5],
    people: [PersonId; 6],
    device: DeviceKey,
    offset_minutes: i16,
    centre: (f64, f64),
    now: UnixMillis,
    made: u32,
}

/// One incident of a region of its own; for many, keep a [`Generator`].
pub fn incident(rng: &mut impl Rng) -> Incident {
    Generator::new(rng).incident()
}

/// One later edit of an incident; for many, keep a [`Generator`].
pub fn edit(rng: &mut impl Rng, incident: &Incident) -> GeneratedEdit {
    Generator::new(rng).edit(incident)
}

impl<R: Rng> Generator<R> {
    /// Makes up a region.
    pub fn new(rng: R) -> Self {
        let mut dice = Dice(rng);
        let tongues = [
            Tongue::new(&en::WORDS, false, &mut dice),
            Tongue::new(&es::WORDS, false, &mut dice),
            Tongue::new(&fr::WORDS, false, &mut dice),
            Tongue::new(&ar::WORDS, true, &mut dice),
            Tongue::new(&sw::WORDS, false, &mut dice),
        ];
        Self {
            tongues,
            people: std::array::from_fn(|_| PersonId::new(dice.bytes())),
            device: DeviceKey::new(dice.bytes()),
            offset_minutes: dice.pick(&[-300, -180, 0, 60, 120, 180, 345]),
            centre: (dice.between(-25_000, 30_000) as f64 / 1e3, dice.between(-70_000, 60_000) as f64 / 1e3),
            now: START,
            made: 0,
            dice,
        }
    }

    /// The time in the region; every incident moves it on.
    #[must_use]
    pub const fn now(&self) -> UnixMillis {
        self.now
    }

    /// A text language: English most often.
    fn tongue(&mut self) -> usize {
        self.dice.pick(&[0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4])
    }

    fn title(&mut self, tongue: usize) -> String {
        let tongue = &self.tongues[tongue];
        let pattern = self.dice.pick(tongue.words.titles);
        capital(&tongue.fill(pattern, &mut self.dice))
    }

    /// A part of a list of sentence parts, filled.
    fn phrase(&mut self, tongue: usize, list: fn(&words::Words) -> &'static [&'static str]) -> String {
        let tongue = &self.tongues[tongue];
        let pattern = self.dice.pick(list(tongue.words));
        tongue.fill(pattern, &mut self.dice)
    }

    /// A moment `minutes` before the region's time.
    fn ago(&mut self, minutes: i64) -> Option<Moment> {
        Moment::new(UnixMillis(self.now.0 - minutes * 60_000), self.offset_minutes)
    }

    fn code<C: CodeList>(&mut self) -> C {
        self.dice.pick(C::ALL)
    }

    fn place(&mut self) -> Place {
        // Microdegrees: what a phone's receiver gives, about 0.1 m.
        let mut near =
            |centre: f64| ((centre * 1e6) as i64 + self.dice.between(-90_000, 90_000)) as f64 / 1e6;
        let (lat, lon) = (near(self.centre.0), near(self.centre.1));
        let gps = self.dice.percent(75);
        let source = if gps { PlaceSource::Gps } else { self.code() };
        let mut place = Place::new(lat, lon, source);
        if source == PlaceSource::Gps {
            place.accuracy_m = Some(Metres(self.dice.between(30, 480) as f64 / 10.0));
            place.alt = Some(Metres(self.dice.between(4_000, 16_000) as f64 / 10.0));
            place.fix_time = self.ago(0);
        } else if self.dice.percent(50) {
            place.accuracy_m = Some(Metres(self.dice.between(1, 40) as f64 * 50.0));
        }
        place
    }

    fn actor(&mut self, tongue: usize, role: ActorRole) -> Actor {
        let low = self.dice.people();
        let named = self.dice.percent(60);
        let flagged = self.dice.percent(25);
        Actor {
            inter: Some(self.code::<ActorKind>()),
            count_low: Some(low),
            count_high: self.dice.percent(60).then(|| low + self.dice.people()),
            description: self.phrase(tongue, |words| words.descriptions),
            group_label: if named {
                self.tongues[tongue].fill("{group}", &mut self.dice)
            } else {
                String::new()
            },
            vulnerable_flags: if flagged {
                vec![self.dice.pick(lists::VULNERABLE_FLAGS).to_owned()]
            } else {
                Vec::new()
            },
            ..Actor::new(role)
        }
    }

    fn count(&mut self, sources: &[Source]) -> Count {
        let low = self.dice.people();
        let source =
            if sources.is_empty() { "" } else { sources[self.dice.below(sources.len())].kind.code() };
        let minutes = self.dice.between(0, 45);
        Count {
            source: source.to_owned(),
            at: self.ago(minutes),
            by: Some(self.dice.pick(&self.people)),
            ..Count::new(self.code::<CountKind>(), Some(low), Some(low + self.dice.below(4) as u32))
        }
    }

    fn source(&mut self) -> Source {
        let asked = self.dice.percent(60);
        let named = self.dice.percent(40);
        Source {
            reliability: Some(self.code::<Reliability>()),
            credibility: Some(self.code::<Credibility>()),
            consent: asked.then(|| Consent {
                record: true,
                share_team: true,
                share_network: self.dice.percent(40),
                share_public: self.dice.percent(10),
                withdrawn_at: None,
            }),
            pseudonym: if named { format!("W{}", self.dice.between(1, 400)) } else { String::new() },
            ..Source::new(self.code::<SourceKind>())
        }
    }

    fn presence(&mut self, tongue: usize) -> AuthorityPresence {
        let low = self.dice.people();
        AuthorityPresence {
            agency: self.dice.pick(self.tongues[tongue].words.agencies).to_owned(),
            unit_marking: self.tongues[tongue].fill("{seal}", &mut self.dice),
            count_low: Some(low),
            count_high: Some(low + self.dice.below(12) as u32),
            measures: self.phrase(tongue, |words| words.measures),
            ..AuthorityPresence::default()
        }
    }

    fn some<T>(&mut self, least: usize, most: usize, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = least + self.dice.below(most - least + 1);
        (0..count).map(|_| one(self)).collect()
    }

    /// The same for the whole team: one that is for the leads does not reach everybody.
    pub fn team_incident(&mut self) -> Incident {
        Incident { sensitivity: Some(Sensitivity::Team), ..self.incident() }
    }

    /// One incident with some twenty fields; time in the region moves on.
    pub fn incident(&mut self) -> Incident {
        self.now.0 += self.dice.between(2, 180) * 60_000 + self.dice.between(0, 59_999);
        self.made += 1;
        let tongue = self.tongue();
        let began = self.dice.between(2, 240);
        let lasted = self.dice.between(1, began);
        let precision =
            self.dice.pick(&[Precision::Exact, Precision::Minute, Precision::Minute, Precision::Hour]);
        let roles = [ActorRole::Initiator, ActorRole::Target, ActorRole::Both, ActorRole::Bystander];
        let sources = self.some(1, 3, Self::source);
        Incident {
            short_code: Some(ShortCode::new(&self.device, self.made)),
            title: Some(self.title(tongue)),
            narrative: self.tongues[tongue].narrative(&mut self.dice),
            occurred_start: self.ago(began).map(|time| Occurred { time, precision }),
            occurred_end: if self.dice.percent(66) {
                self.ago(began - lasted).map(|time| Occurred { time, precision })
            } else {
                None
            },
            reported_at: self.ago(0),
            place: Some(self.place()),
            place_text: self.phrase(tongue, |words| words.places),
            p_code: Some(format!("XX{:02}{:03}", self.made % 7 + 1, self.dice.below(40))),
            admin_level: Some(2),
            geo_precision: Some(self.dice.pick(&[
                GeoPrecision::Town,
                GeoPrecision::Town,
                GeoPrecision::Area,
            ])),
            category: Some(lists::categories().nth(self.dice.below(25)).unwrap_or("Other").to_owned()),
            severity: Some(self.dice.pick(&[
                Severity::Extreme,
                Severity::Severe,
                Severity::Moderate,
                Severity::Moderate,
                Severity::Minor,
                Severity::Minor,
            ])),
            urgency: Some(self.code::<Urgency>()),
            certainty: Some(self.dice.pick(&Certainty::ALL[..3])),
            trajectory: Some(self.code::<Trajectory>()),
            verification: self.dice.percent(60).then(|| self.code::<Verification>()),
            retaliation_risk: self.dice.percent(50).then(|| self.code::<RetaliationRisk>()),
            followup: self.dice.percent(60).then(|| self.code::<FollowUp>()),
            owner: self.dice.percent(50).then(|| self.dice.pick(&self.people)),
            status: Some(self.dice.pick(&[Status::Open, Status::Open, Status::Open, Status::Monitoring])),
            sensitivity: Some(self.dice.pick(&[Sensitivity::Team, Sensitivity::Team, Sensitivity::Leads])),
            schema_version: Some(SCHEMA_VERSION),
            harm_types: self.some(0, 2, |own| Harm {
                harm: own.dice.pick(lists::HARM_TYPES).to_owned(),
                ..Harm::default()
            }),
            actors: self.some(1, 3, |own| {
                let role = own.dice.pick(&roles);
                own.actor(tongue, role)
            }),
            counts: self.some(1, 3, |own| own.count(&sources)),
            tactics_used: self.some(0, 2, |own| Tactic {
                tactic: own.dice.pick(lists::UCP_METHODS).to_owned(),
                ..Tactic::default()
            }),
            weapons_seen: self.some(0, 2, |own| Weapon {
                key: String::new(),
                kind: own.dice.pick(own.tongues[tongue].words.weapons).to_owned(),
                usage: own.code::<WeaponUse>(),
            }),
            authority_presence: self.some(0, 1, |own| own.presence(tongue)),
            source: sources,
            ..Incident::default()
        }
    }

    /// The record of a photo or a recording that belongs to `incident`.
    pub fn evidence(&mut self, incident: DocumentId) -> Evidence {
        let (mime, ending) = self.dice.pick(&[
            ("image/jpeg", "jpg"),
            ("image/jpeg", "jpg"),
            ("image/heic", "heic"),
            ("audio/mp4", "m4a"),
        ]);
        let tongue = self.tongue();
        let bytes = self.dice.between(200_000, 9_000_000) as u64;
        let sha256 = ContentHash::new(self.dice.bytes());
        let minutes = self.dice.between(0, 90);
        let place = self.place();
        Evidence {
            captured: Some(Captured {
                time: self.ago(minutes),
                place: Some(place),
                device_model: Some(
                    self.dice.pick(&["SM-A145F", "Pixel 6a", "TECNO KI5k", "iPhone14,6"]).to_owned(),
                ),
                ..Captured::default()
            }),
            original_name: Some(format!("IMG_{:08}.{ending}", self.dice.below(100_000_000))),
            people_visible: Some(self.code::<PeopleVisible>()),
            caption: capital(&self.phrase(tongue, |words| words.details)),
            schema_version: Some(SCHEMA_VERSION),
            ..Evidence::new(incident, sha256, bytes, mime, CapturePath::InApp)
        }
    }
}
