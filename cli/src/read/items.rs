//! Items of lists as people type them: a first word, then `name=value` between commas.

use firsthand_record::{
    Actor, AuthorityPresence, CodeList, Count, CountKind, Credibility, Harm, Reliability, Source, SourceKind,
    Tactic, VerificationStep, Weapon, WeaponUse,
};

use super::{Reason, code, people};

/// How an item of each list is typed, for whoever typed it wrong.
const COUNT: &str = "injured=2-4:clinic (a kind, the least and the greatest number, who says so)";
const ACTOR: &str =
    "initiator,inter=5,low=20,high=30,label=men on motorbikes,description=TEXT,vulnerable=children";
const SOURCE: &str = "witness,grade=B2,pseudonym=Rose,consent=record+team";
const WEAPON: &str = "stones:used";
const AUTHORITY: &str = "police,marking=unit 7,low=10,high=12,measures=cordon";

/// Reads an item, and says how one is typed where that fails.
fn shaped<T>(read: impl FnOnce() -> Result<T, Reason>, shape: &str) -> Result<T, Reason> {
    read().map_err(|reason| format!("{reason}; it is typed like {shape}"))
}

/// `KIND=LOW[-HIGH][:SOURCE]`, or `KIND=LOW+`.
pub(crate) fn count(text: &str) -> Result<Count, Reason> {
    shaped(|| read_count(text), COUNT)
}

fn read_count(text: &str) -> Result<Count, Reason> {
    let (kind, rest) =
        text.split_once('=').ok_or_else(|| String::from("has no = between kind and number"))?;
    let kind: CountKind = code(kind)?;
    let (number, source) = rest.split_once(':').unwrap_or((rest, ""));
    let (low, high) = range(number)?;
    let mut count = Count::new(kind, Some(low), high);
    count.source = source.trim().to_owned();
    Ok(count)
}

fn range(text: &str) -> Result<(u32, Option<u32>), Reason> {
    let text = text.trim();
    if let Some(low) = text.strip_suffix('+') {
        return Ok((people(low)?, None));
    }
    match text.split_once('-') {
        Some((low, high)) => Ok((people(low)?, Some(people(high)?))),
        None => people(text).map(|number| (number, Some(number))),
    }
}

/// `ROLE[,inter=N][,low=N][,high=N][,label=TEXT][,description=TEXT][,vulnerable=FLAG]..`
pub(crate) fn actor(text: &str) -> Result<Actor, Reason> {
    shaped(|| read_actor(text), ACTOR)
}

fn read_actor(text: &str) -> Result<Actor, Reason> {
    let (role, parts) = parts(text, &["inter", "low", "high", "label", "description", "vulnerable"])?;
    let mut actor = Actor::new(code(&role)?);
    for (name, value) in parts {
        match name {
            "inter" => actor.inter = Some(code(&value)?),
            "low" => actor.count_low = Some(people(&value)?),
            "high" => actor.count_high = Some(people(&value)?),
            "label" => actor.group_label = value,
            "description" => actor.description = value,
            _ => actor.vulnerable_flags.push(value),
        }
    }
    Ok(actor)
}

/// `KIND[,grade=B2][,reliability=B][,credibility=2][,pseudonym=TEXT][,consent=record+team+network+public]`
pub(crate) fn source(text: &str) -> Result<Source, Reason> {
    shaped(|| read_source(text), SOURCE)
}

fn read_source(text: &str) -> Result<Source, Reason> {
    let (kind, parts) = parts(text, &["grade", "reliability", "credibility", "pseudonym", "consent"])?;
    let mut source = Source::new(code::<SourceKind>(&kind)?);
    for (name, value) in parts {
        match name {
            "grade" => {
                let (reliability, credibility) = grade(&value)?;
                (source.reliability, source.credibility) = (Some(reliability), Some(credibility));
            }
            "reliability" => source.reliability = Some(code::<Reliability>(&value)?),
            "credibility" => source.credibility = Some(code::<Credibility>(&value)?),
            "pseudonym" => source.pseudonym = value,
            _ => source.consent = Some(consent(&value)?),
        }
    }
    Ok(source)
}

/// A grade such as `B2`: how reliable the source is, how credible what it says.
pub(crate) fn grade(text: &str) -> Result<(Reliability, Credibility), Reason> {
    let mut chars = text.trim().chars();
    let reliability = chars.next().map(String::from).unwrap_or_default();
    Ok((code(&reliability)?, code(chars.as_str())?))
}

/// What people agreed to: `record+team+network+public`, or `none`.
pub(crate) fn consent(text: &str) -> Result<firsthand_record::Consent, Reason> {
    let mut consent = firsthand_record::Consent::default();
    for word in text.split('+') {
        match word.trim() {
            "record" => consent.record = true,
            "team" => consent.share_team = true,
            "network" => consent.share_network = true,
            "public" => consent.share_public = true,
            "none" => {}
            _ => {
                return Err(String::from(
                    "has a consent that is not one of record, team, network, public, none",
                ));
            }
        }
    }
    Ok(consent)
}

/// `TYPE:USE`.
pub(crate) fn weapon(text: &str) -> Result<Weapon, Reason> {
    shaped(|| read_weapon(text), WEAPON)
}

fn read_weapon(text: &str) -> Result<Weapon, Reason> {
    let (kind, usage) = text.rsplit_once(':').ok_or_else(|| {
        format!("does not say after a colon whether it was {}", WeaponUse::CODES.join(", "))
    })?;
    Ok(Weapon { key: String::new(), kind: kind.trim().to_owned(), usage: code(usage)? })
}

/// `AGENCY[,marking=TEXT][,low=N][,high=N][,measures=TEXT]`
pub(crate) fn authority(text: &str) -> Result<AuthorityPresence, Reason> {
    shaped(|| read_authority(text), AUTHORITY)
}

fn read_authority(text: &str) -> Result<AuthorityPresence, Reason> {
    let (agency, parts) = parts(text, &["marking", "low", "high", "measures"])?;
    let mut authority = AuthorityPresence { agency, ..AuthorityPresence::default() };
    for (name, value) in parts {
        match name {
            "marking" => authority.unit_marking = value,
            "low" => authority.count_low = Some(people(&value)?),
            "high" => authority.count_high = Some(people(&value)?),
            _ => authority.measures = value,
        }
    }
    Ok(authority)
}

/// `CODE[:NOTE]`: what was found, and how the team knows.
pub(crate) fn verification(text: &str) -> Result<VerificationStep, Reason> {
    let (state, note) = text.split_once(':').unwrap_or((text, ""));
    Ok(VerificationStep {
        key: String::new(),
        state: code(state)?,
        by: None,
        at: None,
        note: note.trim().to_owned(),
    })
}

/// A kind of harm.
pub(crate) fn harm(text: &str) -> Harm {
    Harm { harm: text.trim().to_owned(), ..Harm::default() }
}

/// A tactic.
pub(crate) fn tactic(text: &str) -> Tactic {
    Tactic { tactic: text.trim().to_owned(), ..Tactic::default() }
}

/// Values by the names they were given under, in the order they were given.
type Named<'a> = Vec<(&'a str, String)>;

/// Splits `first,name=value,name=value`. A piece between commas that begins with no known name belongs to the value
/// before it, so that text may have commas.
fn parts<'a>(text: &str, names: &[&'a str]) -> Result<(String, Named<'a>), Reason> {
    let mut first = None;
    let mut parts: Named<'a> = Vec::new();
    for piece in text.split(',') {
        let named = piece.split_once('=').and_then(|(name, value)| {
            let name = names.iter().find(|known| **known == name.trim())?;
            Some((*name, value.trim().to_owned()))
        });
        match (named, &mut first, parts.last_mut()) {
            (None, first @ None, _) => *first = Some(piece.trim().to_owned()),
            (Some(named), _, _) => parts.push(named),
            (None, Some(_), Some((_, value))) => {
                value.push(',');
                value.push_str(piece);
            }
            (None, Some(_), None) => {
                return Err(format!("has a part that is none of {}=", names.join("=, ")));
            }
        }
    }
    Ok((first.unwrap_or_default(), parts))
}

#[cfg(test)]
mod tests {
    use firsthand_record::{ActorKind, ActorRole};

    use super::*;

    #[test]
    fn counts() {
        let of = |text| count(text).map(|count| (count.what, count.low, count.high, count.source));
        let injured = CountKind::Injured;
        assert_eq!(of("injured=2"), Ok((injured, Some(2), Some(2), String::new())));
        assert_eq!(
            of("injured=2-4:Red Cross: north"),
            Ok((injured, Some(2), Some(4), "Red Cross: north".into()))
        );
        assert_eq!(of("present=40+"), Ok((CountKind::Present, Some(40), None, String::new())));
        for bad in
            ["injured", "injured=", "injured=two", "injured=-2", "injured=2.5", "hurt=2", "injured=NaN", "=2"]
        {
            assert!(of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn actors_and_sources() {
        let it =
            actor("initiator,inter=5,low=20,high=30,label=men, on motorbikes,vulnerable=children").unwrap();
        assert_eq!((it.role, it.inter), (ActorRole::Initiator, Some(ActorKind::Rioters)));
        assert_eq!((it.count_low, it.count_high), (Some(20), Some(30)));
        assert_eq!(it.group_label, "men, on motorbikes");
        assert_eq!(it.vulnerable_flags, ["children"]);
        assert!(actor("nobody").is_err());
        assert!(actor("target,size=3").is_err());
        assert!(actor("target,low=some").is_err());

        let it = source("witness,grade=B2,pseudonym=Rose,consent=record+team").unwrap();
        assert_eq!((it.reliability, it.credibility), (Some(Reliability::B), Some(Credibility::ProbablyTrue)));
        assert_eq!(it.pseudonym, "Rose");
        assert!(it.consent.unwrap().share_team && !it.consent.unwrap().share_public);
        assert!(source("witness,grade=X9").is_err());
        let wrong = source("gossip").unwrap_err();
        assert!(
            wrong.contains("key_group, media") && wrong.contains("typed like witness,grade=B2"),
            "{wrong}"
        );
        let wrong = actor("initiator,inter=9").unwrap_err();
        assert!(wrong.contains("5 (Rioters)"), "{wrong}");
    }

    #[test]
    fn weapons_and_authorities() {
        assert_eq!(weapon("stones:used").unwrap().usage, WeaponUse::Used);
        assert!(weapon("stones").is_err());
        let it = authority("police,marking=unit 7,low=10,measures=cordon, two arrests").unwrap();
        assert_eq!(
            (it.agency.as_str(), it.unit_marking.as_str(), it.count_low),
            ("police", "unit 7", Some(10))
        );
        assert_eq!(it.measures, "cordon, two arrests");
    }
}
