use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

/// A measured quantity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Quantity {
    Bytes(f64),
    Seconds(f64),
    Count(f64),
    RoundTrips(f64),
    /// Of a whole, 1 for all of it.
    Share(f64),
}

impl Quantity {
    pub(crate) const fn bytes(bytes: u64) -> Self {
        Self::Bytes(bytes as f64)
    }

    pub(crate) const fn time(time: Duration) -> Self {
        Self::Seconds(time.as_secs_f64())
    }

    pub(crate) const fn count(count: usize) -> Self {
        Self::Count(count as f64)
    }

    const fn value(self) -> f64 {
        match self {
            Self::Bytes(value)
            | Self::Seconds(value)
            | Self::Count(value)
            | Self::RoundTrips(value)
            | Self::Share(value) => value,
        }
    }

    const fn unit(self) -> &'static str {
        match self {
            Self::Bytes(_) => "bytes",
            Self::Seconds(_) => "seconds",
            Self::Count(_) => "count",
            Self::RoundTrips(_) => "round trips",
            Self::Share(_) => "share",
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) if *bytes < 10e6 => write!(f, "{} B", thousands(*bytes)),
            Self::Bytes(bytes) => write!(f, "{:.2} MB", bytes / 1e6),
            Self::Seconds(seconds) if *seconds < 1e-3 => write!(f, "{:.0} us", seconds * 1e6),
            Self::Seconds(seconds) if *seconds < 1.0 => write!(f, "{:.2} ms", seconds * 1e3),
            Self::Seconds(seconds) => write!(f, "{seconds:.2} s"),
            Self::Count(count) => f.write_str(&thousands(*count)),
            Self::RoundTrips(trips) => write!(f, "{trips:.1}"),
            Self::Share(share) => write!(f, "{:.1} %", share * 100.0),
        }
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Ratios below a tenth read better as one in so many.
fn ratio(ratio: f64) -> String {
    if ratio > 0.0 && ratio < 0.1 { format!("1/{:.0}", 1.0 / ratio) } else { format!("{ratio:.2}") }
}

/// One comparison, or one figure that stands alone.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    what: String,
    ours: Quantity,
    beside: Option<(String, Quantity)>,
    /// The most that the ratio, or without a comparison the figure, may be.
    target: Option<f64>,
}

impl Line {
    fn measured(&self) -> f64 {
        match &self.beside {
            Some((_, beside)) => self.ours.value() / beside.value(),
            None => self.ours.value(),
        }
    }

    fn reached(&self) -> Option<bool> {
        self.target.map(|target| self.measured() <= target)
    }

    fn cells(&self) -> [String; 5] {
        let beside = self.beside.as_ref();
        let limit = |target: f64| match (beside, self.ours) {
            (Some(_), _) => ratio(target),
            (None, Quantity::RoundTrips(_)) => Quantity::RoundTrips(target).to_string(),
            (None, Quantity::Share(_)) => Quantity::Share(target).to_string(),
            (None, Quantity::Seconds(_)) => Quantity::Seconds(target).to_string(),
            (None, _) => target.to_string(),
        };
        let verdict = match (self.target, self.reached()) {
            (Some(target), Some(reached)) => {
                format!("<= {:<6} {}", limit(target), if reached { "reached" } else { "MISSED" })
            }
            _ => String::new(),
        };
        [
            self.what.clone(),
            self.ours.to_string(),
            beside.map_or_else(String::new, |(name, quantity)| format!("{quantity}  {name}")),
            beside.map_or_else(String::new, |_| ratio(self.measured())),
            verdict,
        ]
    }
}

/// What one benchmark found.
#[derive(Debug)]
pub(crate) struct Report {
    title: &'static str,
    heading: String,
    lines: Vec<Line>,
    notes: Vec<String>,
}

impl Report {
    pub(crate) const fn new(title: &'static str) -> Self {
        Self { title, heading: String::new(), lines: Vec::new(), notes: Vec::new() }
    }

    /// What was measured.
    pub(crate) fn heading(&mut self, heading: String) {
        self.heading = heading;
    }

    /// Something a reader must know to read the figures.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// A figure that stands alone.
    pub(crate) fn figure(&mut self, what: &str, ours: Quantity) {
        self.lines.push(Line { what: what.to_owned(), ours, beside: None, target: None });
    }

    /// A figure with a limit of its own.
    pub(crate) fn limit(&mut self, what: &str, ours: Quantity, target: f64) {
        self.lines.push(Line { what: what.to_owned(), ours, beside: None, target: Some(target) });
    }

    /// Both sides.
    pub(crate) fn compare(
        &mut self,
        what: &str,
        ours: Quantity,
        name: &str,
        beside: Quantity,
        target: Option<f64>,
    ) {
        let beside = Some((name.to_owned(), beside));
        self.lines.push(Line { what: what.to_owned(), ours, beside, target });
    }

    pub(crate) fn to_json(&self) -> Value {
        let lines: Vec<Value> = self
            .lines
            .iter()
            .map(|line| {
                json!({
                    "what": line.what,
                    "unit": line.ours.unit(),
                    "firsthand": line.ours.value(),
                    "beside": line.beside.as_ref().map(|(name, quantity)| json!({
                        "name": name,
                        "value": quantity.value(),
                        "ratio": line.measured(),
                    })),
                    "target": line.target,
                    "reached": line.reached(),
                })
            })
            .collect();
        json!({ "benchmark": self.title, "measured": self.heading, "figures": lines, "notes": self.notes })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}\n", self.title, self.heading)?;
        let head = ["", "firsthand", "beside it", "ratio", "target"].map(str::to_owned);
        let rows: Vec<[String; 5]> =
            std::iter::once(head).chain(self.lines.iter().map(Line::cells)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; 4] = std::array::from_fn(width);
        for [what, ours, beside, ratio, target] in &rows {
            let line = format!(
                "  {what:<0$}  {ours:>1$}   {beside:<2$}  {ratio:>3$}  {target}",
                widths[0], widths[1], widths[2], widths[3]
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        for note in &self.notes {
            writeln!(f, "\n  {note}")?;
        }
        Ok(())
    }
}
