//! The fields a column can lead to, and the names by which columns are understood.

use crate::grid::is_invisible;

/// A field, or a part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    ExternalId,
    Title,
    Narrative,
    Lat,
    Lon,
    Alt,
    Accuracy,
    /// Latitude and longitude in one column.
    Point,
    /// Coordinates if it reads as such, otherwise words.
    PointOrText,
    PlaceText,
    PCode,
    AdminLevel,
    Start,
    /// The date alone, or the whole time.
    StartDate,
    /// The time alone, or the whole time.
    StartTime,
    /// A column that says when the form was opened; used for want of a better one.
    StartWeak,
    End,
    Reported,
    Category,
    Severity,
    Urgency,
    Certainty,
    Trajectory,
    Status,
    Verification,
    Followup,
    RetaliationRisk,
    MediationOutcome,
    Sensitivity,
    RumourClaim,
    RumourStatus,
    Present,
    Injured,
    Arrested,
    Dead,
    Displaced,
    Harm,
    Tactic,
    SourceKind,
    Reliability,
    Credibility,
    Pseudonym,
    ActorRole,
    ActorLabel,
    ActorDescription,
    ActorCount,
}

/// Every field with its path and the names of columns that lead to it, best first. Names are compared in lower case,
/// without accents, with `_` for everything that is neither letter nor digit.
#[rustfmt::skip]
pub(crate) const ALL: &[(Field, &str, &[&str])] = &[
    (Field::ExternalId, "external_id", &["uuid", "external_id", "globalid", "global_id", "meta_instanceid", "instanceid", "docid", "id"]),
    (Field::Title, "title", &["title", "titulo", "titre", "headline", "subject", "asunto", "objet", "meta_instancename", "instancename", "kichwa", "العنوان", "عنوان"]),
    (Field::Narrative, "narrative", &["narrative", "description", "descripcion", "descricao", "narration", "narracion", "narrativa", "recit", "relato", "what_happened", "que_paso", "notes", "note", "notas", "nota", "comments", "comment", "comentarios", "comentario", "commentaires", "commentaire", "remarks", "observaciones", "details", "detalles", "maelezo", "text", "texto", "texte", "الوصف", "وصف", "ملاحظات"]),
    (Field::Lat, "place.lat", &["lat", "latitude", "latitud", "gps_lat", "gps_latitude", "latitudo", "point_y", "y", "خط_العرض"]),
    (Field::Lon, "place.lon", &["lon", "lng", "long", "longitude", "longitud", "gps_lon", "gps_long", "gps_longitude", "longitudo", "point_x", "x", "خط_الطول"]),
    (Field::Alt, "place.alt", &["alt", "altitude", "altitud", "elevation", "ele"]),
    (Field::Accuracy, "place.accuracy_m", &["accuracy_m", "accuracy", "gps_accuracy", "exactitud", "precision_m", "precision_gps"]),
    (Field::Point, "place", &["geopoint", "gps", "coordinates", "coordenadas", "coordonnees", "geolocation", "latlon", "lat_lon", "latlng", "lat_long", "gps_coordinates", "gps_location", "wkt", "point", "punto", "الإحداثيات"]),
    (Field::PointOrText, "place or place_text", &["location", "localizacion", "ubicacion", "localisation", "emplacement", "position", "posicion"]),
    (Field::PlaceText, "place_text", &["place_text", "place", "place_name", "location_name", "lugar", "lieu", "address", "direccion", "adresse", "site", "village", "town", "mahali", "المكان", "الموقع"]),
    (Field::PCode, "p_code", &["p_code", "pcode", "admin_pcode"]),
    (Field::AdminLevel, "admin_level", &["admin_level"]),
    (Field::Start, "occurred_start", &["occurred_start", "occurred", "occurred_at", "datetime", "date_time", "date_and_time", "fecha_hora", "fecha_y_hora", "date_heure", "date_et_heure", "start_time", "started_at"]),
    (Field::StartDate, "occurred_start.date", &["date", "event_date", "incident_date", "date_occurred", "fecha", "data", "jour", "dia", "tarehe", "التاريخ", "تاريخ"]),
    (Field::StartTime, "occurred_start.time", &["time", "event_time", "incident_time", "hora", "heure", "saa", "الوقت", "الساعة"]),
    (Field::StartWeak, "occurred_start", &["timestamp", "start", "inicio", "debut", "mwanzo", "created", "created_at", "createdat", "today"]),
    (Field::End, "occurred_end", &["occurred_end", "end_time", "ended_at", "ended", "end", "fin", "hasta", "mwisho"]),
    (Field::Reported, "reported_at", &["reported_at", "reported", "date_reported", "reported_on", "submission_time", "system_submissiondate", "submissiondate"]),
    (Field::Category, "category", &["category", "categoria", "categorie", "categoryid", "category_id", "sub_event_type", "event_type", "incident_type", "type", "tipo", "aina", "الفئة", "النوع"]),
    (Field::Severity, "severity", &["severity", "severidad", "gravedad", "gravite", "severite", "ukali", "الخطورة"]),
    (Field::Urgency, "urgency", &["urgency", "urgencia", "urgence", "الإلحاح"]),
    (Field::Certainty, "certainty", &["certainty", "certeza", "certitude"]),
    (Field::Trajectory, "trajectory", &["trajectory", "trend", "tendencia", "tendance"]),
    (Field::Status, "status", &["status", "estado", "statut"]),
    (Field::Verification, "verification", &["verification", "verificacion"]),
    (Field::Followup, "followup", &["followup", "follow_up", "seguimiento", "suivi"]),
    (Field::RetaliationRisk, "retaliation_risk", &["retaliation_risk"]),
    (Field::MediationOutcome, "mediation_outcome", &["mediation_outcome"]),
    (Field::Sensitivity, "sensitivity", &["sensitivity"]),
    (Field::RumourClaim, "rumour_claim", &["rumour_claim", "rumour", "rumor"]),
    (Field::RumourStatus, "rumour_status", &["rumour_status"]),
    (Field::Present, "counts.present", &["present", "people_present", "crowd_size", "participants", "presentes", "participantes"]),
    (Field::Injured, "counts.injured", &["injured", "injuries", "wounded", "heridos", "blesses", "majeruhi", "جرحى"]),
    (Field::Arrested, "counts.arrested", &["arrested", "arrests", "detained", "detenidos", "arretes", "arrestations", "معتقلون"]),
    (Field::Dead, "counts.dead", &["dead", "deaths", "killed", "fatalities", "muertos", "fallecidos", "morts", "waliofariki", "قتلى"]),
    (Field::Displaced, "counts.displaced", &["displaced", "desplazados", "deplaces", "نازحون"]),
    (Field::Harm, "harm_types", &["harm_types", "harm_type", "harm"]),
    (Field::Tactic, "tactics_used", &["tactics_used", "tactics"]),
    (Field::SourceKind, "source.kind", &["source_kind", "source_type", "source", "fuente"]),
    (Field::Reliability, "source.reliability", &["reliability", "source_reliability"]),
    (Field::Credibility, "source.credibility", &["credibility", "source_credibility"]),
    (Field::Pseudonym, "source.pseudonym", &["pseudonym"]),
    (Field::ActorRole, "actors.role", &[]),
    (Field::ActorLabel, "actors.group_label", &[]),
    (Field::ActorDescription, "actors.description", &[]),
    (Field::ActorCount, "actors.count", &[]),
];

/// The paths that a column map may lead to; besides these, `ignore` leaves a column out altogether.
pub fn field_names() -> impl Iterator<Item = &'static str> {
    let own = |(field, _, _): &&(Field, _, _)| !matches!(field, Field::PointOrText | Field::StartWeak);
    ALL.iter().filter(own).map(|(_, path, _)| *path)
}

impl Field {
    pub(crate) fn from_path(path: &str) -> Option<Self> {
        ALL.iter().find(|(_, name, _)| *name == path).map(|(field, _, _)| *field)
    }

    pub(crate) fn path(self) -> &'static str {
        ALL.iter().find(|(field, _, _)| *field == self).map_or("", |(_, path, _)| *path)
    }

    /// Whether it is an item of a list, so that each answer of a repeated group can be one.
    pub(crate) const fn is_item(self) -> bool {
        matches!(
            self,
            Self::Present
                | Self::Injured
                | Self::Arrested
                | Self::Dead
                | Self::Displaced
                | Self::ActorRole
                | Self::ActorLabel
                | Self::ActorDescription
                | Self::ActorCount
        )
    }

    /// Whether several columns may lead to it.
    pub(crate) const fn takes_many(self) -> bool {
        matches!(self, Self::Narrative | Self::PlaceText | Self::Harm | Self::Tactic)
    }
}

/// A column's name as names are compared.
pub(crate) fn normal(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars().flat_map(char::to_lowercase) {
        match plain(c) {
            c if c.is_alphanumeric() => out.push(c),
            // Accents written as characters of their own, and what nobody sees.
            '\u{300}'..='\u{36f}' => {}
            c if is_invisible(c) => {}
            _ if !out.is_empty() && !out.ends_with('_') => out.push('_'),
            _ => {}
        }
    }
    out.trim_end_matches('_').to_owned()
}

fn plain(c: char) -> char {
    match c {
        'á' | 'à' | 'â' | 'ä' | 'ã' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_accents_and_signs() {
        assert_eq!(normal(" Título "), "titulo");
        assert_eq!(normal("$created"), "created");
        assert_eq!(normal("GPS (Latitude)"), "gps_latitude");
        assert_eq!(normal("__system/submissionDate"), "system_submissiondate");
        assert_eq!(normal("خط العرض"), "خط_العرض");
        assert_eq!(normal("\u{200f}ti\u{200b}tle\u{202c}"), "title");
        assert_eq!(normal("??"), "");
    }

    #[test]
    fn every_name_of_a_column_is_in_normal_form_and_leads_to_one_field() {
        let mut seen = std::collections::BTreeSet::new();
        for (field, path, names) in ALL {
            for name in *names {
                assert_eq!(&normal(name), name, "{path}");
                assert!(seen.insert(name), "{name} leads to two fields, one of them {field:?}");
            }
        }
        assert!(field_names().all(|path| Field::from_path(path).is_some()));
        assert_eq!(Field::from_path("occurred_start"), Some(Field::Start));
    }
}
