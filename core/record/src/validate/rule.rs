use super::Kind;

macro_rules! rules {
    ($($kind:ident { $($(#[doc = $doc:literal])+ $rule:ident = $message:expr;)+ })+) => {
        /// The rules of validation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
        #[non_exhaustive]
        pub enum Rule {
            $($($(#[doc = $doc])+ $rule,)+)+
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Self] = &[$($(Self::$rule),+),+];

            /// What follows from breaking it.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $($(Self::$rule => Kind::$kind,)+)+ }
            }

            /// What is wrong, to be read after the name of the field.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $($(Self::$rule => $message,)+)+ }
            }

            /// The rule's name for files and scripts.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $($(Self::$rule => stringify!($rule),)+)+ }
            }
        }
    };
}

rules! {
    Reject {
        /// NaN or an infinity.
        NotFinite = "is not a finite number";
        /// Outside -90 to 90.
        LatitudeOutOfRange = "is outside -90 to 90 degrees";
        /// Outside -180 to 180.
        LongitudeOutOfRange = "is outside -180 to 180 degrees";
        /// The latitude cannot be one, but latitude and longitude exchanged could be.
        LooksSwapped = "is outside -90 to 90 degrees; latitude and longitude look swapped";
        /// A radius below zero.
        NegativeAccuracy = "is below zero";
        /// The end is before the start, however exactly both are known.
        EndBeforeStart = "is before the start";
        /// More characters than [`super::limits`] allows.
        TooLong = "is too long";
        /// More items than [`super::limits::LIST_ITEMS`].
        TooMany = "has too many items";
        /// Too many bytes to travel in one piece.
        TooLarge = "is too large to be sent in one piece";
        /// More than one line where one is meant.
        MoreThanOneLine = "has more than one line";
        /// A character that no text has, such as a null.
        ControlCharacter = "contains a control character";
        /// A list item without the word that it is about.
        Empty = "is empty";
        /// Merged, but nobody knows into what.
        MergeTargetMissing = "does not say which incident it was merged into";
        /// A link or a merge to the record itself.
        LeadsToItself = "leads back to the record itself";
        /// A field without which the record says nothing.
        Missing = "is missing";
        /// Somebody named as their own buddy.
        OwnBuddy = "is their own buddy";
        /// A ring of fewer than three corners.
        TooFewCorners = "has fewer than three corners";
        /// A ring that crosses itself: nobody could say what is inside.
        CrossesItself = "crosses itself";
        /// Outside the numbers that the field allows.
        OutOfRange = "is outside the numbers that are possible";
        /// Beyond [`super::limits::ADMIN_LEVEL`].
        NoSuchAdminLevel = "is not a level from 0 to 5";
        /// A name that an item, a choice or a language has already.
        DuplicateName = "is used twice";
        /// A name that expressions could not call.
        NotAName = "is not a name: letters, digits, - _ and . without spaces";
        /// A character that nobody sees in a name, or one that turns the text around it.
        MisleadingCharacter = "contains a character that hides or turns the text around it";
        /// Text in a language that the checklist does not name.
        LanguageNotListed = "is in a language that the checklist does not name";
        /// `${name}` where no item is called so.
        UnresolvedReference = "refers to an item that is not in the checklist";
        /// An item that is asked depending on whether it is asked.
        Circular = "depends on itself";
        /// No expression of the language that checklists know.
        NotExpression = "is not an expression that checklists know";
        /// A question with choices that has none, or one of another kind that has some.
        ChoicesMissing = "does not fit the type of the item";
        /// A timer that does not say how long it runs, or another item that does.
        DurationMissing = "is for timers, which need it, up to a day";
        /// The hash that a template was published with is that of other content.
        NotAsPublished = "is not what was published";
        /// An answer to an item that the version of the checklist does not have.
        NoSuchItem = "is not an item of this version of the checklist";
        /// A choice that the version of the checklist does not have.
        NoSuchChoice = "is not a choice in this version of the checklist";
        /// A number where text belongs, and the like.
        WrongKind = "is not what the item asks for";
        /// Of a record in a space of few: what stands there stays there.
        StaysWithLeads = "cannot change: only the leads and whoever entered this can ever read it";
        /// A sign of peace among those of conflict, or the other way round.
        FamilyOfOtherPolarity = "belongs to the other side: peace and conflict have families of their own";
        /// A name by which systems know a warning or who sends it.
        NotAnIdentifier = "contains a space, a comma, < or &, which no name of a warning may";
        /// Fewer approvals than the team decided that a warning needs.
        FewerThanRule = "are fewer than the team's rule asks for";
    }
    Flag {
        /// Exactly 0,0: in the sea off Ghana, and what broken software writes.
        NullIsland = "is exactly 0,0, which usually means that there was no position";
        /// Nobody said how accurate the position is.
        AccuracyMissing = "is not known";
        /// More than [`super::limits::ACCURACY_M`].
        AccuracyPoor = "is more than 100 metres";
        /// The phone says that an app made the position up.
        Mocked = "was made up by an app on the phone";
        /// More than [`super::limits::SHIFT_DISTANCE_M`] outside the shift's area.
        FarFromShift = "is more than 50 km from the area of the shift";
        /// Older than [`super::limits::FIX_AGE_MS`] when saved.
        OldFix = "is more than 5 minutes older than the record";
        /// Later than the best clock by more than [`super::limits::FUTURE_MS`].
        InTheFuture = "is in the future";
        /// More than [`super::limits::SKEW_MS`] from satellite or peer time.
        ClockSkew = "is more than 10 minutes off satellite or peer time";
        /// More than [`super::limits::BACKDATED_MS`] before it was saved.
        Backdated = "is more than 7 days ago";
        /// The least number is above the greatest.
        LowAboveHigh = "is above the greatest number; swap them?";
        /// Extreme, though nobody knows how certain it is.
        ExtremeButUncertain = "is not known, though the severity is Extreme";
        /// People can be recognised and have not agreed.
        PeopleWithoutConsent = "is missing, though people can be recognised";
        /// Somebody took back what they had agreed to.
        ConsentTakenBack = "was taken back";
        /// Somebody did not agree to as many readers as the record may have.
        ConsentTooNarrow = "does not cover everybody who may read this";
        /// An item that came after the incident was closed, or from somebody who could not know that it was.
        AfterClosing = "came after the incident was closed";
        /// Meant for the leads alone since it stood in the space of the whole team.
        TeamHasIt = "does not take back what the whole team already has; their phones go on showing it";
        /// Text for other readers contains what looks like a phone number.
        PhoneNumber = "seems to contain a phone number, and others may read it";
        /// Text for other readers contains what looks like the number of a document or an account.
        IdNumber = "seems to contain an identity number, and others may read it";
        /// A category that is not in the list.
        CategoryNotListed = "is not in the list of categories";
        /// Somebody on a shift whom nobody looks after.
        NoBuddy = "has no buddy";
        /// A buddy who is not on the shift at the same time.
        BuddyElsewhere = "is not on the shift at the same time";
        /// Somebody who left the team, or is not of it.
        NotActive = "is not an active member";
        /// A role that the team requires and too few fill.
        RoleNotFilled = "is filled by too few";
        /// Trained, but not any more by that day.
        TrainingLapsed = "has lapsed by then";
        /// A shift of more than a day.
        VeryLong = "is more than 24 hours after the start";
    }
}

impl Rule {
    /// The rule of a name; `None` for one of a newer version.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.code() == code)
    }

    /// A word or two for a list, where there is no room for a sentence.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NullIsland => "place 0,0",
            Self::AccuracyMissing => "accuracy not known",
            Self::AccuracyPoor => "poor accuracy",
            Self::Mocked => "made-up place",
            Self::FarFromShift => "far away",
            Self::OldFix => "old position",
            Self::InTheFuture => "in the future",
            Self::ClockSkew => "wrong clock",
            Self::Backdated => "backdated",
            Self::LowAboveHigh => "numbers swapped",
            Self::ExtremeButUncertain => "Extreme, uncertain",
            Self::PeopleWithoutConsent | Self::ConsentTooNarrow => "no consent",
            Self::ConsentTakenBack => "consent taken back",
            Self::AfterClosing => "late",
            Self::TeamHasIt => "the team has it",
            Self::PhoneNumber => "phone number",
            Self::IdNumber => "identity number",
            Self::CategoryNotListed => "unknown category",
            Self::NoBuddy | Self::BuddyElsewhere => "no buddy",
            Self::NotActive => "not active",
            Self::RoleNotFilled => "role not filled",
            Self::TrainingLapsed => "training lapsed",
            Self::VeryLong => "very long",
            _ => "not sound",
        }
    }
}
