use super::pattern::Pattern;

/// An expression, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    Number(f64),
    Text(String),
    /// `.`
    Own,
    /// `${name}`
    Reference(String),
    Negate(Box<Tree>),
    /// Two or more joined by `and`. Flat, so that a long list of cases is not a deep one.
    All(Vec<Tree>),
    /// Two or more joined by `or`.
    Any(Vec<Tree>),
    Binary(Operator, Box<Tree>, Box<Tree>),
    Call(Function, Vec<Tree>),
    /// `regex(text, 'pattern')`
    Matches(Box<Tree>, Pattern),
}

impl Tree {
    pub(super) fn visit<'a>(&'a self, see: &mut impl FnMut(&'a Self)) {
        see(self);
        match self {
            Self::Number(_) | Self::Text(_) | Self::Own | Self::Reference(_) => {}
            Self::Negate(inner) | Self::Matches(inner, _) => inner.visit(see),
            Self::All(parts) | Self::Any(parts) | Self::Call(_, parts) => {
                for part in parts {
                    part.visit(see);
                }
            }
            Self::Binary(_, left, right) => {
                left.visit(see);
                right.visit(see);
            }
        }
    }
}

/// How tightly parts are bound, from loosely to tightly.
pub(super) mod binding {
    pub(in super::super) const ANY: u8 = 1;
    pub(in super::super) const ALL: u8 = 2;
    pub(in super::super) const EQUALITY: u8 = 3;
    pub(in super::super) const ORDER: u8 = 4;
    pub(in super::super) const SUM: u8 = 5;
    pub(in super::super) const PRODUCT: u8 = 6;
    pub(in super::super) const SIGN: u8 = 7;
}

macro_rules! operators {
    ($($name:ident = $sign:literal, $binding:ident;)+) => {
        /// What joins two parts.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Operator {
            $($name,)+
        }

        impl Operator {
            pub(super) const fn sign(self) -> &'static str {
                match self { $(Self::$name => $sign,)+ }
            }

            pub(super) const fn binding(self) -> u8 {
                match self { $(Self::$name => binding::$binding,)+ }
            }

            pub(super) fn find(sign: &str) -> Option<Self> {
                match sign { $($sign => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

operators! {
    Equal = "=", EQUALITY;
    NotEqual = "!=", EQUALITY;
    Less = "<", ORDER;
    LessOrEqual = "<=", ORDER;
    Greater = ">", ORDER;
    GreaterOrEqual = ">=", ORDER;
    Plus = "+", SUM;
    Minus = "-", SUM;
    Times = "*", PRODUCT;
    Divide = "div", PRODUCT;
    Modulo = "mod", PRODUCT;
}

macro_rules! functions {
    ($($name:ident = $word:literal, $least:literal..=$most:expr, $takes:literal;)+) => {
        /// A function that checklists know, but for `regex`, which is no call like others.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Function {
            $($name,)+
        }

        /// The functions that expressions may call.
        pub const FUNCTIONS: &[&str] = &["regex", $($word),+];

        impl Function {
            pub(super) const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            pub(super) fn find(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$name),)+ _ => None }
            }

            /// Whether it takes so many arguments.
            pub(super) fn fits(self, count: usize) -> bool {
                match self { $(Self::$name => ($least..=$most).contains(&count),)+ }
            }

            pub(super) const fn takes(self) -> &'static str {
                match self { $(Self::$name => $takes,)+ }
            }
        }
    };
}

functions! {
    Not = "not", 1..=1, "one argument";
    True = "true", 0..=0, "no argument";
    False = "false", 0..=0, "no argument";
    If = "if", 3..=3, "three arguments";
    Selected = "selected", 2..=2, "two arguments";
    CountSelected = "count-selected", 1..=1, "one argument";
    Count = "count", 1..=usize::MAX, "names, as in ${name}";
    StringLength = "string-length", 0..=1, "one argument or none";
    Coalesce = "coalesce", 2..=usize::MAX, "two arguments or more";
    Date = "date", 1..=1, "one argument";
    Today = "today", 0..=0, "no argument";
    Now = "now", 0..=0, "no argument";
}
