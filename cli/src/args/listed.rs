//! Values that come from a list: shown in help and completions, judged later, so that a wrong one is bad input with a
//! reason and not a mistake in the command line.

use std::ffi::OsStr;
use std::marker::PhantomData;

use clap::builder::{PossibleValue, PossibleValuesParser, StringValueParser, TypedValueParser};
use clap::{Arg, Command};
use firsthand_exchange::Format;
use firsthand_node::Role;
use firsthand_record::CodeList;

/// Takes any text and offers the codes of a list.
pub(crate) struct Listed<C>(PhantomData<fn() -> C>);

impl<C> Clone for Listed<C> {
    fn clone(&self) -> Self {
        Self(PhantomData)
    }
}

/// A parser that offers the codes of `C`.
pub(crate) fn codes<C: CodeList>() -> Listed<C> {
    Listed(PhantomData)
}

impl<C: CodeList> TypedValueParser for Listed<C> {
    type Value = String;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(C::ALL.iter().map(|code| PossibleValue::new(code.code()).help(code.label()))))
    }
}

/// The roles of a team.
pub(crate) fn roles() -> PossibleValuesParser {
    PossibleValuesParser::new(Role::ALL.iter().map(|role| role.code()))
}

/// The formats that can be imported.
pub(crate) fn formats() -> PossibleValuesParser {
    PossibleValuesParser::new(Format::ALL.iter().map(|format| format.name()))
}
