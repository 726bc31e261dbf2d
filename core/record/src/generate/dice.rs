use rand_core::Rng;

/// Small draws from a random source. No floats decide a branch, so every platform draws the same.
pub(super) struct Dice<R>(pub(super) R);

impl<R: Rng> Dice<R> {
    /// A number from 0 up to, not including, `below`; 0 when `below` is 0.
    pub(super) fn below(&mut self, below: usize) -> usize {
        // The bias of the remainder is 2^-50 for the sizes used here.
        (self.0.next_u64() % (below.max(1) as u64)) as usize
    }

    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1) as usize) as i64
    }

    /// Whether an event of so many percent happens.
    pub(super) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// As [`Dice::pick`], but the first ones come up far more often, as a team meets the same street again and again.
    pub(super) fn favour<'a, T: ?Sized>(&mut self, from: &'a [Box<T>]) -> &'a T {
        let (a, b) = (self.below(from.len()), self.below(from.len()));
        &from[a * b / from.len()]
    }

    /// A count of people: mostly few, sometimes hundreds.
    pub(super) fn people(&mut self) -> u32 {
        let scale = self.pick(&[5, 12, 12, 40, 40, 150, 900]);
        self.between(2, scale) as u32
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.0.fill_bytes(&mut out);
        out
    }
}
