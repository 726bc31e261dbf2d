use firsthand_ids::{DocumentId, Metres};
use rand_core::Rng;

use super::words::capital;
use super::{Generator, START};
use crate::roster::{Area, Corner, RiskLevel};
use crate::warning::{
    AckKind, Acknowledgement, Alert, AlertArea, AlertCategory, AlertIncident, AlertReference, AlertScope,
    AlertStatus, Amount, Approval, CategoryItem, Direction, EvidenceItem, Indicator, IndicatorFamily,
    MsgType, ParameterItem, Reading, ReadingSource, ResponseItem, ResponseType,
};
use crate::{
    Certainty, Circle, Credibility, Degrees, Reliability, SCHEMA_VERSION, Sensitivity, Severity, SourceKind,
    Urgency,
};

/// What teams count, by CEWARN's families.
const SIGNS: &[(IndicatorFamily, &str, &str)] = &[
    (IndicatorFamily::AllianceFormation, "Elders of both sides meet", "meetings"),
    (IndicatorFamily::ExchangeBehavior, "Markets open to both sides", "markets"),
    (IndicatorFamily::MitigatingBehavior, "Stolen animals brought back", "animals"),
    (IndicatorFamily::PeaceInitiatives, "Women's peace marches", "marches"),
    (IndicatorFamily::ArmedIntervention, "Armed patrols at night", "patrols"),
    (IndicatorFamily::AggravatingBehaviors, "Hate speech on the radio", "broadcasts"),
    (IndicatorFamily::ProvocativeBehavior, "Cattle raids", "raids"),
    (IndicatorFamily::EnvironmentalPressure, "Dry wells", "wells"),
];

impl<R: Rng> Generator<R> {
    /// A sign that the team watches.
    pub fn indicator(&mut self) -> Indicator {
        let (family, name, unit) = self.dice.pick(SIGNS);
        Indicator {
            name: Some(name.to_owned()),
            polarity: Some(family.polarity()),
            family: Some(family),
            unit: Some(unit.to_owned()),
            threshold: Some(Amount(self.dice.between(1, 40) as f64 / 2.0)),
            direction: Some(self.code::<Direction>()),
            window_days: Some(self.dice.pick(&[1, 7, 7, 14, 30])),
            area: self.dice.percent(60).then(|| self.alert_area()),
            sensitivity: Some(Sensitivity::Team),
            schema_version: Some(SCHEMA_VERSION),
            ..Indicator::default()
        }
    }

    /// What somebody read of a sign.
    pub fn reading(&mut self, indicator: DocumentId) -> Reading {
        self.now.0 += self.dice.between(1, 300) * 60_000;
        let graded = self.dice.percent(50);
        Reading {
            indicator: Some(indicator),
            value: Some(Amount(self.dice.between(0, 60) as f64 / 2.0)),
            at: self.ago(0),
            place: self.dice.percent(60).then(|| self.place()),
            source: Some(ReadingSource {
                kind: self.code::<SourceKind>(),
                reliability: graded.then(|| self.code::<Reliability>()),
                credibility: graded.then(|| self.code::<Credibility>()),
            }),
            note: self.dice.percent(30).then(|| "two who do not know each other say the same".to_owned()),
            sensitivity: Some(Sensitivity::Team),
            schema_version: Some(SCHEMA_VERSION),
            ..Reading::default()
        }
    }

    /// A warning as it stands some time after it was raised: approved, acknowledged, sometimes in the place of another.
    pub fn alert(&mut self) -> Alert {
        self.now.0 += self.dice.between(5, 600) * 60_000;
        self.made += 1;
        let tongue = self.tongue();
        let sent = self.ago(0);
        let scope = self.code::<AlertScope>();
        let msg_type = self.dice.pick(&[MsgType::Alert, MsgType::Alert, MsgType::Update, MsgType::Cancel]);
        let sender = format!("firsthand-{:08x}", self.dice.between(0, i64::from(u32::MAX)));
        let references = if msg_type == MsgType::Alert { 0 } else { 1 };
        let earlier = self.dice.between(10, 5_000);
        let earlier = self.ago(earlier).filter(|at| at.millis() >= START).or(sent);
        let mut alert = Alert {
            identifier: Some(format!("{:032x}", self.dice.between(1, i64::MAX))),
            sent,
            status: Some(self.dice.pick(&[AlertStatus::Actual, AlertStatus::Exercise, AlertStatus::Test])),
            msg_type: Some(msg_type),
            scope: Some(scope),
            restriction: (scope == AlertScope::Restricted).then(|| "the team and its marshals".to_owned()),
            addresses: (scope == AlertScope::Private).then(|| "east-gate north-gate".to_owned()),
            language: Some(self.dice.pick(&["en", "es", "fr", "ar", "sw"]).to_owned()),
            event: Some(self.dice.pick(&["Armed patrols", "Crowd", "Tear gas", "Flood"]).to_owned()),
            urgency: Some(self.code::<Urgency>()),
            severity: Some(self.code::<Severity>()),
            certainty: Some(self.dice.pick(&Certainty::ALL[..3])),
            headline: Some(capital(&self.title(tongue)).chars().take(160).collect()),
            onset: sent.filter(|_| self.dice.percent(50)),
            expires: sent.and_then(Alert::default_expires),
            area: Some(self.alert_area()),
            level: self.dice.percent(70).then(|| self.code::<RiskLevel>()),
            approvals_required: Some(self.dice.pick(&[1, 2, 2, 3])),
            sensitivity: Some(Sensitivity::Team),
            schema_version: Some(SCHEMA_VERSION),
            description: capital(&self.phrase(tongue, |words| words.details)),
            instruction: "Keep away from the gate, and stay in pairs.".to_owned(),
            category: vec![CategoryItem { key: String::new(), category: self.code::<AlertCategory>() }],
            response_type: self.some(0, 2, |own| ResponseItem {
                key: String::new(),
                response_type: own.code::<ResponseType>(),
            }),
            evidence: self.some(0, 1, |own| EvidenceItem { key: String::new(), document: own.document() }),
            incidents: self.some(0, 2, |own| AlertIncident { key: String::new(), document: own.document() }),
            references: self.some(references, references, |own| AlertReference {
                key: String::new(),
                sender: sender.clone(),
                identifier: format!("{:032x}", own.dice.between(1, i64::MAX)),
                sent: earlier.unwrap_or_default(),
            }),
            parameters: self.some(0, 1, |_| ParameterItem {
                key: String::new(),
                name: "layer:example:1.0:Colour".to_owned(),
                value: "amber".to_owned(),
            }),
            ..Alert::default()
        };
        alert.sender = Some(sender);
        let content_sha256 = alert.content_sha256();
        alert.approvals = self.some(0, 2, |own| Approval {
            key: String::new(),
            by: own.dice.pick(&own.people),
            role: "lead".to_owned(),
            at: own.after().unwrap_or_default(),
            content_sha256,
        });
        alert.acks = self.some(0, 4, |own| Acknowledgement {
            key: String::new(),
            person: own.dice.pick(&own.people),
            kind: own.code::<AckKind>(),
            at: own.after().unwrap_or_default(),
            note: String::new(),
        });
        alert
    }

    /// A circle, a triangle or a code, with words.
    fn alert_area(&mut self) -> AlertArea {
        let tongue = self.tongue();
        let text = self.phrase(tongue, |words| words.places);
        let at = self.place();
        let (lat, lon) = (at.lat.0, at.lon.0);
        let corner = |lat: f64, lon: f64| Corner { lat: Degrees(lat), lon: Degrees(lon) };
        match self.dice.below(3) {
            0 => {
                let radius = Metres(self.dice.between(1, 40) as f64 * 250.0);
                AlertArea {
                    text,
                    circle: Some(Circle { lat: at.lat, lon: at.lon, radius }),
                    ..AlertArea::default()
                }
            }
            1 => {
                let ring = vec![corner(lat, lon), corner(lat, lon + 0.02), corner(lat + 0.01, lon + 0.01)];
                AlertArea { text, polygon: Some(Area(ring)), ..AlertArea::default() }
            }
            _ => {
                let code = format!("XX{:02}{:03}", self.made % 7 + 1, self.dice.below(40));
                AlertArea { text, p_code: Some(code), ..AlertArea::default() }
            }
        }
    }
}
