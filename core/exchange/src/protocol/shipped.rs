use super::{Protocol, ProtocolError, load};

/// A protocol that comes with the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shipped {
    /// What programs call it.
    pub template_id: &'static str,
    /// Its text, in our Markdown.
    pub markdown: &'static str,
}

impl Shipped {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// None for those that come with the program: a test reads every one.
    pub fn load(&self) -> Result<Protocol, ProtocolError> {
        load(self.markdown.as_bytes(), &format!("{}.md", self.template_id))
    }
}

macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        const SHIPPED: &[Shipped] =
            &[$(Shipped { template_id: $name, markdown: include_str!(concat!("../../protocols/", $name, ".md")) }),+];
    };
}

shipped! {
    "pre-deployment",
    "buddy-check",
    "clara",
    "interpositioning",
    "checkpoint",
    "arrest-witness",
    "high-threat",
    "end-of-shift",
    "staff-care",
}

/// The protocols that come with the program, in the order in which a shift needs them.
#[must_use]
pub const fn shipped() -> &'static [Shipped] {
    SHIPPED
}
