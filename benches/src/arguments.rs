/// What `--help` prints.
pub(crate) const HELP: &str = "\
Usage: cargo bench -p firsthand-benches -- [BENCHMARK]... [OPTION]...

Benchmarks (all of them unless named):
  reconnect    two devices meet after 100 records changed
  first-sync   a new device receives everything
  cold-start   open an encrypted home and show the newest records; filters
  save         one durable edit
  board        open an encrypted home and show who is on, 200 people on 50 shifts
  relay        ranges from 64 connections, durable at the acknowledgement
  repair       a relay comes back from a backup
  instructions what the common steps take, counted by valgrind

Options:
  --documents N   incidents in the data set, 6 entries each [default: 10000]
  --large         also measure at 100,000 incidents; the first run builds them, which takes long
  --samod N       how many documents to give samod, 0 for none [default: 1000]
  --runs N        how often to repeat what is timed; medians are printed [default: 5]
  --fresh         build the data sets anew, as is needed after a format changed
  --json          print one JSON document instead of tables
  --help          print this";

/// What there is to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Benchmark {
    Reconnect,
    FirstSync,
    ColdStart,
    Save,
    Board,
    Relay,
    Repair,
    Instructions,
}

impl Benchmark {
    const ALL: [Self; 8] = [
        Self::Reconnect,
        Self::FirstSync,
        Self::ColdStart,
        Self::Save,
        Self::Board,
        Self::Relay,
        Self::Repair,
        Self::Instructions,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Reconnect => "reconnect",
            Self::FirstSync => "first-sync",
            Self::ColdStart => "cold-start",
            Self::Save => "save",
            Self::Board => "board",
            Self::Relay => "relay",
            Self::Repair => "repair",
            Self::Instructions => "instructions",
        }
    }

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Reconnect => "1. Reconnect",
            Self::FirstSync => "2. First sync",
            Self::ColdStart => "3. Cold start",
            Self::Save => "4. Save",
            Self::Board => "Board",
            Self::Relay => "6. Relay",
            Self::Repair => "9. Repair",
            Self::Instructions => "8. Instructions",
        }
    }
}

/// What a run is asked to do.
#[derive(Debug, Clone)]
pub(crate) struct Arguments {
    pub(crate) benchmarks: Vec<Benchmark>,
    pub(crate) documents: usize,
    pub(crate) large: bool,
    pub(crate) samod: usize,
    pub(crate) runs: usize,
    pub(crate) fresh: bool,
    pub(crate) json: bool,
}

impl Arguments {
    /// Reads the arguments; `None` where help is asked for.
    pub(crate) fn parse(arguments: &[String]) -> Result<Option<Self>, String> {
        let mut read = Self {
            benchmarks: Vec::new(),
            documents: 10_000,
            large: false,
            samod: 1_000,
            runs: 5,
            fresh: false,
            json: false,
        };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut number = || {
                let number = rest.next().and_then(|text| text.replace([',', '_'], "").parse::<usize>().ok());
                number.ok_or_else(|| format!("{argument} needs a number"))
            };
            match argument.as_str() {
                // Cargo adds it.
                "--bench" => {}
                "--documents" => read.documents = number()?.max(200),
                "--samod" => read.samod = number()?,
                "--runs" => read.runs = number()?.max(1),
                "--large" => read.large = true,
                "--fresh" => read.fresh = true,
                "--json" => read.json = true,
                "--help" | "-h" => return Ok(None),
                name => match Benchmark::ALL.iter().find(|benchmark| benchmark.name() == name) {
                    Some(benchmark) => read.benchmarks.push(*benchmark),
                    None => return Err(format!("there is no {name}")),
                },
            }
        }
        if read.benchmarks.is_empty() {
            read.benchmarks = Benchmark::ALL.to_vec();
        }
        Ok(Some(read))
    }
}
