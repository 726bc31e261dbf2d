use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// Small draws from one seeded source. No floats, so every platform draws the same.
#[derive(Clone)]
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The `stream`th independent source of a seed.
    #[must_use]
    pub fn new(seed: u64, stream: u64) -> Self {
        Self(source(seed, stream))
    }

    pub fn rng(&mut self) -> &mut ChaCha8Rng {
        &mut self.0
    }

    /// A number from 0 up to, not including, `below`; 0 where that is 0.
    pub fn below(&mut self, below: usize) -> usize {
        (self.0.next_u64() % (below.max(1) as u64)) as usize
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.0.next_u64() % (high - low + 1) as u64) as i64
    }

    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.0.fill_bytes(&mut out);
        out
    }

    pub fn fill(&mut self, len: usize) -> Vec<u8> {
        let mut out = vec![0; len];
        self.0.fill_bytes(&mut out);
        out
    }
}

/// The generator behind the `stream`th source of a seed.
#[must_use]
pub(crate) fn source(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}
